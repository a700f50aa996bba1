#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wirespan::gateway::query {

// What stands behind '?' in a URL: application/x-www-form-urlencoded.
class Form {
 public:
  explicit Form(std::string_view query);

  // The first value; empty if there is none.
  std::string_view Get(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_{};
};

// "%2F" and, in forms, '+' decoded; what is no escape stays as it is.
std::string PercentDecode(std::string_view text, bool plus_is_space);

// Go's durations: "1h15m", "1.5s", "300ms", "7us", "0". In nanoseconds; nullopt: none, or negative.
std::optional<std::uint64_t> ParseGoDuration(std::string_view text);

// What Go's strconv.ParseBool takes.
bool IsGoBool(std::string_view text);

// {"key":"value",...}: texts alone. nullopt: anything else.
using Tags = std::vector<std::pair<std::string, std::string>>;
std::optional<Tags> ParseTagsJson(std::string_view json);

}  // namespace wirespan::gateway::query
