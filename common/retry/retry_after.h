#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wirespan::retry {

// HTTP's Retry-After (RFC 9110 10.2.3): seconds, or a date in any of its three forms, which is
// measured against `realtime_ns` (ns since 1970 UTC). A date in the past is zero, nothing passes a
// day; nullopt: neither form.
std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value,
                                                         std::uint64_t realtime_ns);

}  // namespace wirespan::retry
