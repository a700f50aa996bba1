#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace wirespan::exporting {

struct GrpcEndpoint {
  std::string target{};  // what gRPC's resolver gets: "host:port", "unix:///run/x.sock"
  std::string host{};    // without brackets; empty for a target that only gRPC understands
  std::uint16_t port = 0;
  bool tls = false;
};

// "http://host:4317" and "https://host:4317" (the scheme decides on TLS; a path is ignored),
// "host:4317" (`insecure` decides), and gRPC's own "dns:", "unix:", "ipv4:", "ipv6:" targets.
// Without a port: the scheme's own, 4317 if there is no scheme.
Result<GrpcEndpoint> ParseGrpcEndpoint(std::string_view text, bool insecure);

}  // namespace wirespan::exporting
