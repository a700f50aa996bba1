#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// Reads the files (later ones win, lists are replaced), replaces ${env:...}, and checks everything
// against the components that exist. The error is one line per mistake: "file:line:column: what,
// and what is there instead".
Result<GatewayConfig> LoadConfig(const std::vector<std::string>& files);

// What `components` prints: the names of what can stand in a configuration.
std::string ComponentsText();

}  // namespace wirespan::gateway
