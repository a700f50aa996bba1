#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace wirespan::kube {

// An IP address's 16 bytes as two numbers, whatever it was written like; IPv4 as ::ffff:a.b.c.d.
using Address = std::pair<std::uint64_t, std::uint64_t>;

// "10.1.0.7", "fd00::7", "[fd00::7]", "fe80::1%eth0"; nullopt: no address. Loopback and unspecified
// addresses are none either: they name another machine everywhere.
std::optional<Address> ParseAddress(std::string_view text);

}  // namespace wirespan::kube
