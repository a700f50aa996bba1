#include "common/retry/retry_after.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"

namespace wirespan::retry {
namespace {

using std::chrono::seconds;
constexpr seconds kLongest = std::chrono::hours(24);

std::optional<unsigned> Month(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < kNames.size(); ++i) {
    if (EqualsIgnoreCase(kNames[i], name)) return i + 1;
  }
  return std::nullopt;
}

// "08:49:37"
std::optional<seconds> TimeOfDay(std::string_view text) {
  const auto parts = Split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto h = ParseUint(parts[0]), m = ParseUint(parts[1]), s = ParseUint(parts[2]);
  if (!h || !m || !s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  return seconds(*h * 3600 + *m * 60 + *s);
}

std::optional<seconds> Moment(std::string_view day, std::string_view month, std::string_view year,
                              std::string_view time, std::int64_t now_s) {
  const auto d = ParseUint(day), y = ParseUint(year);
  const auto m = Month(month);
  const auto t = TimeOfDay(time);
  if (!d || !y || !m || !t || *d == 0 || *d > 31 || *y > 9999) return std::nullopt;
  auto full_year = static_cast<int>(*y);
  if (year.size() == 2) {
    // RFC 850's two digits: the past century if that would lie more than 50 years ahead.
    const int this_year = static_cast<int>(1970 + now_s / 31556952);
    full_year += this_year / 100 * 100;
    if (full_year > this_year + 50) full_year -= 100;
  }
  const std::chrono::year_month_day date{std::chrono::year(full_year), std::chrono::month(*m),
                                         std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch() + *t;
}

std::optional<seconds> ParseDate(std::string_view value, std::int64_t now_s) {
  std::vector<std::string_view> words;
  for (const std::string_view word : wirespan::Split(value, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (words.size() == 6 && words[5] == "GMT")
    return Moment(words[1], words[2], words[3], words[4], now_s);
  // Sun Nov  6 08:49:37 1994
  if (words.size() == 5) return Moment(words[2], words[1], words[4], words[3], now_s);
  // Sunday, 06-Nov-94 08:49:37 GMT
  if (words.size() == 4 && words[3] == "GMT") {
    const auto date = wirespan::Split(words[1], '-');
    if (date.size() == 3) return Moment(date[0], date[1], date[2], words[2], now_s);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value,
                                                         std::uint64_t realtime_ns) {
  value = TrimAscii(value);
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto wait = ParseUint(value);
    if (!wait) return kLongest;  // more than 64 bits of seconds
    return seconds(std::min<std::uint64_t>(*wait, kLongest.count()));
  }
  const auto now_s = static_cast<std::int64_t>(realtime_ns / 1'000'000'000);
  const auto moment = ParseDate(value, now_s);
  if (!moment) return std::nullopt;
  const auto now = std::chrono::milliseconds(realtime_ns / 1'000'000);
  return std::clamp<std::chrono::milliseconds>(*moment - now, std::chrono::milliseconds(0),
                                               kLongest);
}

}  // namespace wirespan::retry
