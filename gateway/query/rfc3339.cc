#include "gateway/query/rfc3339.h"

#include <chrono>

#include "common/base/strings.h"

namespace wirespan::gateway::query {

namespace {

// Removes so many digits and what must follow them, if anything.
std::optional<unsigned> Take(std::string_view& text, std::size_t digits, std::string_view after) {
  if (text.size() < digits + after.size()) return std::nullopt;
  const auto value = ParseUint(text.substr(0, digits));
  if (!value || text.substr(digits, after.size()) != after) return std::nullopt;
  text.remove_prefix(digits + after.size());
  return static_cast<unsigned>(*value);
}

// ".5" in nanoseconds; digits beyond the ninth are left out.
std::optional<std::uint64_t> TakeFraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  text.remove_prefix(1);
  std::uint64_t ns = 0;
  std::uint64_t unit = 100'000'000;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    ns += static_cast<std::uint64_t>(text[digits] - '0') * unit;
    unit /= 10;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return ns;
}

// "Z" or "+01:00", all of `text`, in minutes.
std::optional<int> OffsetOf(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = Take(text, 2, ":");
  const auto minutes = Take(text, 2, "");
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * static_cast<int>(*hours * 60 + *minutes);
}

}  // namespace

std::optional<std::uint64_t> ParseRfc3339(std::string_view text) {
  const auto year = Take(text, 4, "-");
  const auto month = Take(text, 2, "-");
  const auto day = Take(text, 2, "");
  if (!year || !month || !day || text.empty() || (text[0] != 'T' && text[0] != 't')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const auto hour = Take(text, 2, ":");
  const auto minute = Take(text, 2, ":");
  const auto second = Take(text, 2, "");
  if (!hour || !minute || !second) return std::nullopt;
  const auto fraction_ns = TakeFraction(text);
  const auto offset_minutes = OffsetOf(text);
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!fraction_ns || !offset_minutes || !date.ok() || *hour > 23 || *minute > 59 || *second > 59 ||
      *year < 1969 || *year > 2261) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 +
                               static_cast<std::int64_t>(*hour * 3600 + *minute * 60 + *second) -
                               std::int64_t{*offset_minutes} * 60;
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * 1'000'000'000 + *fraction_ns;
}

}  // namespace wirespan::gateway::query
