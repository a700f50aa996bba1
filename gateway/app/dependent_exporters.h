#pragma once

#include <string>
#include <vector>

#include "gateway/app/gateway_config.h"

// Exporters that get the same requests share their senders' answers: one that is down or full holds
// up the others (docs/gateway.md, "Independence"). Whoever writes such a file should know.
namespace wirespan::gateway {

struct Dependence {
  std::string pipeline{};             // the first one that is concerned
  std::vector<std::string> waited{};  // exporters that hold up whoever stands beside them
};
std::vector<Dependence> FindDependence(const GatewayConfig& config);

}  // namespace wirespan::gateway
