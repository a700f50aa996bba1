#include "common/config/scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "common/base/strings.h"

namespace wirespan::config {
namespace {

tl::unexpected<Error> Bad(std::string sentence) {
  return Fail(ErrorCode::kInvalidArgument, std::move(sentence));
}

std::string Quote(std::string_view text) { return "\"" + ToUtf8(TruncateUtf8(text, 60)) + "\""; }

struct Unit {
  std::string_view name;
  double factor;
};

// The leading digits with an optional fraction, as a double; npos-free: empty if there are none.
std::string_view LeadingNumber(std::string_view text) {
  std::size_t end = 0;
  bool dot = false;
  while (end < text.size() &&
         ((text[end] >= '0' && text[end] <= '9') || (text[end] == '.' && !dot))) {
    dot = dot || text[end] == '.';
    ++end;
  }
  const std::string_view number = text.substr(0, end);
  return number == "." ? std::string_view() : number;
}

double ToDouble(std::string_view number) {
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value;
}

constexpr std::array<Unit, 8> kDurations{{{"ns", 1},
                                          {"us", 1e3},
                                          {"\xC2\xB5s", 1e3},
                                          {"\xCE\xBCs", 1e3},
                                          {"ms", 1e6},
                                          {"s", 1e9},
                                          {"m", 60e9},
                                          {"h", 3600e9}}};

}  // namespace

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return Bad("expected true or false, not " + Quote(text));
}

Result<std::int64_t> ParseInteger(std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) base = 16;
  if (digits.starts_with("0o")) base = 8;
  if (base != 10) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || stop != end || error == std::errc::invalid_argument) {
    return Bad("expected a whole number, not " + Quote(text));
  }
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error == std::errc::result_out_of_range || value > kMax)
    return Bad("number " + Quote(text) + " is too large");
  return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

Result<double> ParseNumber(std::string_view text) {
  const auto value = ParseDouble(text.starts_with('+') ? text.substr(1) : text);
  if (!value) return Bad("expected a number, not " + Quote(text));
  return *value;
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  const std::string hint = "expected a duration such as 5s, 250ms or 1h30m, not " + Quote(text);
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return Bad(hint);
  // Whole parts are added exactly; only fractions go through floating point.
  double total = 0;
  std::int64_t exact = 0;
  while (!rest.empty()) {
    const std::string_view number = LeadingNumber(rest);
    if (number.empty()) return Bad(hint);
    rest.remove_prefix(number.size());
    const Unit* unit = nullptr;
    for (const Unit& candidate : kDurations) {
      if (rest.starts_with(candidate.name) &&
          (unit == nullptr || candidate.name.size() > unit->name.size())) {
        unit = &candidate;
      }
    }
    if (unit == nullptr) return Bad(rest.empty() ? hint + " (the unit is missing)" : hint);
    rest.remove_prefix(unit->name.size());
    const double nanoseconds = ToDouble(number) * unit->factor;
    total += nanoseconds;
    if (total > 9.2e18) return Bad("duration " + Quote(text) + " is too long");
    const std::size_t dot = number.find('.');
    const auto whole = ParseUint(number.substr(0, dot)).value_or(0);
    exact += static_cast<std::int64_t>(whole) * static_cast<std::int64_t>(unit->factor);
    if (dot != std::string_view::npos) {
      exact += std::llround(ToDouble("0" + std::string(number.substr(dot))) * unit->factor);
    }
  }
  return std::chrono::nanoseconds(negative ? -exact : exact);
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out = left < 0 ? "-" : "";
  std::uint64_t ns =
      left < 0 ? 0 - static_cast<std::uint64_t>(left) : static_cast<std::uint64_t>(left);
  const auto take = [&](std::uint64_t factor, const char* unit) {
    if (ns >= factor) out += std::to_string(ns / factor) + unit;
    ns %= factor;
  };
  take(3'600'000'000'000, "h");
  take(60'000'000'000, "m");
  take(1'000'000'000, "s");
  take(1'000'000, "ms");
  take(1'000, "us");
  take(1, "ns");
  return out;
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  static constexpr std::array<Unit, 13> kUnits{{{"", 1},
                                                {"b", 1},
                                                {"k", 1e3},
                                                {"kb", 1e3},
                                                {"m", 1e6},
                                                {"mb", 1e6},
                                                {"g", 1e9},
                                                {"gb", 1e9},
                                                {"t", 1e12},
                                                {"tb", 1e12},
                                                {"ki", 1024},
                                                {"mi", 1048576},
                                                {"gi", 1073741824}}};
  const std::string hint = "expected a size such as 64MiB, 512k or 4096, not " + Quote(text);
  const std::string_view number = LeadingNumber(text);
  if (number.empty()) return Bad(hint);
  std::string unit = AsciiLower(TrimAscii(text.substr(number.size())));
  if (unit.size() == 3 && unit.ends_with("ib")) unit.pop_back();
  double factor = unit == "ti" ? 1099511627776.0 : 0;
  for (const Unit& candidate : kUnits) {
    if (candidate.name == unit) factor = candidate.factor;
  }
  if (factor == 0) return Bad(hint);
  const double bytes = ToDouble(number) * factor;
  if (bytes > 9e18) return Bad("size " + Quote(text) + " is too large");
  if (number.find('.') == std::string_view::npos) {
    return ParseUint(number).value_or(0) * static_cast<std::uint64_t>(factor);
  }
  return static_cast<std::uint64_t>(std::llround(bytes));
}

}  // namespace wirespan::config
