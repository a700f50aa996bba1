#pragma once

#include <memory>

#include "common/telemetry/metrics.h"
#include "gateway/extension/status_page.h"
#include "gateway/pipeline/memory_budget.h"

// The gateway's metrics about itself that belong to no component. What is given outlives the
// registry's use.
namespace wirespan::gateway {

// wirespan_gateway_held_bytes, wirespan_gateway_held_limit_bytes
void RegisterBudget(telemetry::Registry& registry, const std::shared_ptr<MemoryBudget>& budget);

// wirespan_component_state{kind, id, part, state} 1
void RegisterComponents(telemetry::Registry& registry, const StatusBoard& board);

// wirespan_gateway_config_info{hash} 1, target_info{service.telemetry.resource} 1
void RegisterConfig(telemetry::Registry& registry, const GatewayState& state);

}  // namespace wirespan::gateway
