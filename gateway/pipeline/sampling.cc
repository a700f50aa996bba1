#include "gateway/pipeline/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/strings.h"

namespace wirespan::gateway {

namespace {

constexpr int kDigits = 14;
constexpr std::size_t kMaxTraceState = 1024;
constexpr std::size_t kMaxMembers = 32;
constexpr std::size_t kMaxOt = 256;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint64_t> Hex(std::string_view text) {
  if (text.empty() || text.size() > kDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    int digit = -1;
    if (IsDigit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<std::uint64_t>(digit);
  }
  return value;
}

// W3C Trace Context, 3.3.1.3: simple keys and tenant@system.
bool ValidKey(std::string_view key) {
  if (key.empty() || key.size() > 256) return false;
  const std::size_t at = key.find('@');
  const auto rest = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) {
      return IsLower(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' || c == '/';
    });
  };
  if (at == std::string_view::npos) return IsLower(key[0]) && rest(key.substr(1));
  const std::string_view tenant = key.substr(0, at);
  const std::string_view system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= 241 && !system.empty() && system.size() <= 14 &&
         (IsLower(tenant[0]) || IsDigit(tenant[0])) && IsLower(system[0]) &&
         rest(tenant.substr(1)) && rest(system.substr(1));
}

bool ValidValue(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

}  // namespace

std::string ThresholdText(std::uint64_t threshold) {
  if (threshold == 0) return "0";
  std::string text = fmt::format("{:014x}", threshold);
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string RandomnessText(std::uint64_t randomness) { return fmt::format("{:014x}", randomness); }

std::optional<std::uint64_t> ParseThreshold(std::string_view text) {
  const auto value = Hex(text);
  if (!value) return std::nullopt;
  return *value << (4 * (static_cast<std::size_t>(kDigits) - text.size()));
}

std::optional<std::uint64_t> ParseRandomness(std::string_view text) {
  return text.size() == kDigits ? Hex(text) : std::nullopt;
}

std::optional<std::uint64_t> ThresholdOf(double probability, int precision) {
  const auto count = static_cast<double>(kMaxAdjustedCount);
  if (!(probability >= 1 / count && probability <= 1)) return std::nullopt;
  if (probability == 1) return kAlwaysSample;
  if (precision == 0) precision = kDigits;
  int exponent = 0;
  int rest_exponent = 0;
  std::frexp(probability, &exponent);
  std::frexp(1 - probability, &rest_exponent);
  precision =
      std::min(kDigits, std::max(precision + exponent / -4, precision + rest_exponent / -4));
  std::uint64_t threshold =
      kMaxAdjustedCount - static_cast<std::uint64_t>(std::round(probability * count));
  if (const int shift = 4 * (kDigits - precision); shift > 0) {
    threshold += std::uint64_t{1} << (shift - 1);
    threshold = threshold >> shift << shift;
  }
  return threshold;
}

std::uint64_t RandomnessOfTraceId(std::string_view trace_id) {
  std::uint64_t value = 0;
  for (std::size_t i = 9; i < 16 && i < trace_id.size(); ++i) {
    value = value << 8 | static_cast<unsigned char>(trace_id[i]);
  }
  return value;
}

std::uint32_t SamplingHash(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t hash = 2166136261u;
  const auto add = [&](std::uint32_t byte) { hash = (hash ^ (byte & 0xff)) * 16777619u; };
  for (unsigned i = 0; i < 4; ++i) add(seed >> (8 * i));
  for (const char c : bytes) add(static_cast<unsigned char>(c));
  return hash;
}

// 14 bits: 2^14 - 1 - (hash mod 2^14), so that a small hash is a large randomness; 28 bits made of
// the hash's other 18; and the 14 again.
std::uint64_t RandomnessOfHash(std::string_view bytes, std::uint32_t seed) {
  constexpr std::uint64_t kBuckets = 1 << 14;
  const std::uint32_t hash = SamplingHash(bytes, seed);
  const std::uint64_t bucket = hash & (kBuckets - 1);
  const std::uint64_t unused = hash >> 18;
  const std::uint64_t mixed = unused ^ unused << 10;
  return (kBuckets - 1 - bucket) << 42 | mixed << 14 | bucket;
}

std::optional<TraceState> TraceState::Parse(std::string_view text) {
  TraceState state;
  if (text.empty()) return state;
  if (text.size() > kMaxTraceState) return std::nullopt;
  std::size_t members = 0;
  for (std::string_view member : Split(text, ',')) {
    while (member.starts_with(' ') || member.starts_with('\t')) member.remove_prefix(1);
    while (member.ends_with(' ') || member.ends_with('\t')) member.remove_suffix(1);
    if (member.empty()) continue;
    if (++members > kMaxMembers) return std::nullopt;
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = member.substr(0, equals);
    const std::string_view value = member.substr(equals + 1);
    if (!ValidKey(key) || !ValidValue(value)) return std::nullopt;
    if (key != "ot") {
      if (!state.others_.empty()) state.others_ += ',';
      state.others_ += member;
      continue;
    }
    if (value.size() > kMaxOt) return std::nullopt;
    for (const std::string_view entry : Split(value, ';')) {
      const std::size_t colon = entry.find(':');
      if (colon == std::string_view::npos || colon == 0) return std::nullopt;
      const std::string_view name = entry.substr(0, colon);
      const std::string_view content = entry.substr(colon + 1);
      const bool valid =
          IsLower(name[0]) &&
          std::all_of(name.begin(), name.end(), [](char c) { return IsLower(c) || IsDigit(c); }) &&
          std::all_of(content.begin(), content.end(), [](char c) {
            return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
                   c == '-';
          });
      if (!valid) return std::nullopt;
      if (name == "rv") {
        state.randomness = ParseRandomness(content);
        if (!state.randomness) return std::nullopt;
      } else if (name == "th") {
        state.threshold = ParseThreshold(content);
        if (!state.threshold) return std::nullopt;
      } else {
        if (!state.ot_others_.empty()) state.ot_others_ += ';';
        state.ot_others_ += entry;
      }
    }
  }
  return state;
}

std::string TraceState::Text() const {
  std::string ot;
  if (randomness) ot += "rv:" + RandomnessText(*randomness);
  if (threshold) ot += (ot.empty() ? "th:" : ";th:") + ThresholdText(*threshold);
  if (!ot_others_.empty()) ot += (ot.empty() ? "" : ";") + ot_others_;
  std::string text;
  if (!ot.empty()) text = "ot=" + ot;
  if (!others_.empty()) text += (text.empty() ? "" : ",") + others_;
  return text;
}

}  // namespace wirespan::gateway
