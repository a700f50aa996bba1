#include "gateway/app/config_loader.h"

namespace wirespan::gateway {

Result<GatewayConfig> LoadConfig(const std::vector<std::string>&) {
  return Fail(ErrorCode::kUnsupported, "not yet");
}

std::string ComponentsText() { return {}; }

}  // namespace wirespan::gateway
