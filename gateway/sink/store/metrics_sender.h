#pragma once

#include <memory>

#include "gateway/sink/sender.h"
#include "gateway/sink/store/coverage_table.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

// Takes metrics: what agents say of themselves goes to the table, their RED metrics into the
// store's rates, and the rest nowhere. Answers when what is kept is safe. `companion` lives as long
// as the sender.
std::unique_ptr<Sender> CreateMetricsSender(std::shared_ptr<CoverageTable> table,
                                            std::shared_ptr<TraceStore> store,
                                            std::shared_ptr<const void> companion = nullptr);

}  // namespace wirespan::gateway::store
