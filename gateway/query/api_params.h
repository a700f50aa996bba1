#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "gateway/query/form.h"

// Parameters of our own API (docs/gateway.md): /wirespan/api/...
namespace wirespan::gateway::query {

inline constexpr std::size_t kMostResults = 1000;

// In whole seconds since 1970, both included.
struct TimeRange {
  std::uint64_t first_s = 0;
  std::uint64_t last_s = 0;
};

// `start` and `end` in microseconds since 1970; without them the last hour. `end` itself is not
// asked for. Errors are for the client.
Result<TimeRange> ReadTimeRange(const Form& form, std::uint64_t now_ns);

// At most kMostResults.
Result<std::size_t> ReadResultLimit(const Form& form);

// OTLP's number of "server" and the like; "unspecified" is 0.
Result<std::uint64_t> ReadKind(std::string_view text);
std::string_view NameOfKind(std::uint64_t kind);

// "true", "false" or nothing, which is false.
Result<bool> ReadFlag(const Form& form, std::string_view name);

}  // namespace wirespan::gateway::query
