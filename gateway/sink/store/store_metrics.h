#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/telemetry/metrics.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

using MetricHandles = std::vector<telemetry::Registry::CollectorHandle>;

// wirespan_store_*{exporter}: what a store holds and what became of the rest, read at each scrape
// as long as the handles live.
MetricHandles RegisterStore(telemetry::Registry& registry, const std::string& exporter,
                            std::shared_ptr<const TraceStore> store);

}  // namespace wirespan::gateway::store
