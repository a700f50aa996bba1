#pragma once

#include <memory>
#include <string>

#include "common/telemetry/metrics.h"
#include "gateway/app/cluster_watches.h"
#include "gateway/app/gateway_config.h"
#include "gateway/pipeline/processor.h"

namespace wirespan::gateway {

// The processor that `config` describes, in front of `next`, which outlives it. `id` labels its
// metrics. `watches`: those of this configuration.
std::unique_ptr<Processor> MakeProcessor(const std::string& id, Signal signal,
                                         const ProcessorConfig& config, Consumer& next,
                                         const ClusterWatches::Open& watches,
                                         telemetry::Registry& registry);

}  // namespace wirespan::gateway
