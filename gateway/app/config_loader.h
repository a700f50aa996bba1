#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/document.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// Reads the files (later ones win, lists are replaced), replaces ${env:...}, and checks everything
// against the components that exist. The error is one line for each mistake: "file:line:column:
// what, and what there is instead". `warnings` gets a line for each variable that is not set.
Result<GatewayConfig> LoadConfig(const std::vector<std::string>& files,
                                 std::vector<std::string>& warnings);

// The same from a document that is read already.
Result<GatewayConfig> ReadConfig(const config::Document& document);

}  // namespace wirespan::gateway
