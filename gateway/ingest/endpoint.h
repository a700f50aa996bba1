#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace wirespan::gateway {

struct HostPort {
  std::string host{};  // empty host means all addresses
  std::uint16_t port = 0;
};

// "host:port", "[v6]:port", ":port".
Result<HostPort> ParseHostPort(std::string_view endpoint);

// Binds the address and lets go of it again, to say why it can't be had in the system's words:
// "listen on localhost:4317: Address already in use".
Result<> ProbeListen(const HostPort& address);

}  // namespace wirespan::gateway
