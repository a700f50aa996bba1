#include "agent/export/grpc_endpoint.h"

#include <array>

#include "common/http/url.h"

namespace wirespan::exporting {

Result<GrpcEndpoint> ParseGrpcEndpoint(std::string_view text, bool insecure) {
  GrpcEndpoint endpoint;
  static constexpr std::array<std::string_view, 5> kResolvers = {
      "dns:", "unix:", "unix-abstract:", "ipv4:", "ipv6:"};
  for (const std::string_view resolver : kResolvers) {
    if (!text.starts_with(resolver)) continue;
    endpoint.target = text;
    endpoint.tls = !insecure && !resolver.starts_with("unix");
    return endpoint;
  }
  const bool has_scheme = text.find("://") != std::string_view::npos;
  auto url = http::ParseUrl(has_scheme ? std::string(text) : "http://" + std::string(text));
  if (!url) return tl::unexpected(std::move(url.error()));
  if (!url->user.empty() || !url->password.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "user and password are not possible here: use a header");
  }
  endpoint.tls = has_scheme ? url->tls() : !insecure;
  const std::string_view authority = text.substr(has_scheme ? text.find("://") + 3 : 0);
  const std::string_view host = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  if (!has_port && !has_scheme) url->port = 4317;
  endpoint.host = url->host;
  endpoint.port = url->port;
  endpoint.target = url->authority();
  return endpoint;
}

}  // namespace wirespan::exporting
