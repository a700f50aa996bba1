#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/document.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// What the command line says about the configuration.
struct ConfigSources {
  std::vector<std::string> uris{};  // --config: later ones win, lists are replaced
  std::vector<std::string> sets{};  // --set key.sub=value: win over all of them
};

// Stands in for localhost in endpoints that the configuration leaves out.
std::string ListenHost(const config::Environment& environment = config::ProcessEnvironment());

// Reads the sources, replaces ${env:...} and ${file:...}, and checks everything against the
// components that exist. The error is one line for each mistake: "file:line:column: what, and what
// there is instead".
Result<GatewayConfig> LoadConfig(const ConfigSources& sources);

// The same from a document that is read already.
Result<GatewayConfig> ReadConfig(const config::Document& document,
                                 const std::string& listen_host = "localhost");

// What `print-config` prints: the merged configuration with variables replaced. Not checked against
// the components. `redacted`: what may be a secret is not shown.
Result<std::string> PrintConfig(const ConfigSources& sources, bool redacted);

}  // namespace wirespan::gateway
