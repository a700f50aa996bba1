#pragma once

#include <string>
#include <vector>

#include "common/config/node.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// service::telemetry, with every key that the Collector's own has: those without a meaning here are
// known and named in docs/gateway.md, those that would do something we can't are problems.
// `warnings` gets a line for each that is taken but does nothing worth relying on.
void LoadTelemetry(const config::Node& telemetry, GatewayConfig& config,
                   std::vector<config::Problem>& warnings);

}  // namespace wirespan::gateway
