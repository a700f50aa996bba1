#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wirespan::gateway::query {

// "2026-11-28T23:26:00.5+01:00" in nanoseconds since 1970; nullopt: anything else, also times
// before 1970 and after 2262, and the leap second.
std::optional<std::uint64_t> ParseRfc3339(std::string_view text);

}  // namespace wirespan::gateway::query
