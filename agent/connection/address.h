#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace wirespan::connection {

enum class Family : std::uint8_t { kUnknown, kInet, kInet6, kUnix };

// One end of a connection. IPv4-mapped IPv6 addresses are given as kInet.
struct Endpoint {
  Family family = Family::kUnknown;
  std::array<std::uint8_t, 16> ip{};  // network order; the first 4 for kInet
  std::uint16_t port = 0;             // host order
  std::string path{};                 // kUnix: file path, "@name" if abstract, empty if unnamed
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "192.0.2.1", "2001:db8::1" (RFC 5952), or the Unix path. Without the port.
std::string AddressText(const Endpoint& endpoint);

}  // namespace wirespan::connection
