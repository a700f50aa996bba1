#include "agent/app/listen_address.h"

#include "common/base/strings.h"

namespace wirespan::app {

Result<ListenAddress> ParseListenAddress(const std::string& text) {
  const auto wrong = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + text + "' is no address to listen on: it takes HOST:PORT, as 127.0.0.1:8890");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  const auto port = ParseUint(std::string_view(text).substr(colon + 1));
  if (!port || *port > 65535) return wrong();
  std::string host = text.substr(0, colon);
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return wrong();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong();
  }
  if (host.empty()) host = "0.0.0.0";
  return ListenAddress{host, static_cast<std::uint16_t>(*port)};
}

}  // namespace wirespan::app
