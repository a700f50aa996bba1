#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocol/parse_status.h"

// The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): a preamble that a load
// balancer sends before the client's own bytes, to say who the client is.
namespace wirespan::proxy {

struct Preamble {
  std::size_t consumed = 0;
  std::string client_address{};  // empty for LOCAL, UNKNOWN and Unix sockets
  std::uint16_t client_port = 0;
};

// kInvalid: no preamble starts here.
protocol::ParseStatus ParsePreamble(std::string_view input, Preamble& preamble);

}  // namespace wirespan::proxy
