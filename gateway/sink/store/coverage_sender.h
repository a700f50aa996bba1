#pragma once

#include <memory>

#include "common/telemetry/metrics.h"
#include "gateway/sink/sender.h"
#include "gateway/sink/store/coverage_table.h"

namespace wirespan::gateway::store {

// Hands metrics to a table and answers at once. `ignored` counts the data points of which nothing
// is kept, and outlives it. `companion` lives as long as the sender.
std::unique_ptr<Sender> CreateCoverageSender(std::shared_ptr<CoverageTable> table,
                                             telemetry::Counter& ignored,
                                             std::shared_ptr<const void> companion = nullptr);

}  // namespace wirespan::gateway::store
