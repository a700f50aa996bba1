#include "agent/span/traceparent.h"

#include <algorithm>

namespace wirespan::span {
namespace {

constexpr std::size_t kVersion00Size = 55;  // 00-<32>-<16>-<2>
constexpr std::size_t kMaxTracestateBytes = 512;
constexpr int kMaxTracestateMembers = 32;

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;  // upper case is invalid too
}

bool ReadHex(std::string_view text, std::uint8_t* out) {
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = HexDigit(text[i]), low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    *out++ = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <std::size_t N>
bool IsZero(const std::array<std::uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool ValidMember(std::string_view member) {
  const std::size_t equals = member.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals > 256) return false;
  if (member.size() - equals - 1 > 256 || member.size() - equals - 1 == 0) return false;
  for (char c : member.substr(0, equals)) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                    c == '*' || c == '/' || c == '@';
    if (!ok) return false;
  }
  for (char c : member.substr(equals + 1)) {
    if (c < 0x20 || c > 0x7e || c == '=') return false;
  }
  return true;
}

}  // namespace

std::optional<Traceparent> ParseTraceparent(std::string_view text) {
  text = TrimBlanks(text);
  if (text.size() < kVersion00Size) return std::nullopt;
  std::uint8_t version = 0;
  if (!ReadHex(text.substr(0, 2), &version) || version == 0xff) return std::nullopt;
  if (version == 0 && text.size() != kVersion00Size) return std::nullopt;
  if (text.size() > kVersion00Size && text[kVersion00Size] != '-') return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  Traceparent parsed;
  if (!ReadHex(text.substr(3, 32), parsed.trace_id.data()) ||
      !ReadHex(text.substr(36, 16), parsed.parent_id.data()) ||
      !ReadHex(text.substr(53, 2), &parsed.flags)) {
    return std::nullopt;
  }
  if (IsZero(parsed.trace_id) || IsZero(parsed.parent_id)) return std::nullopt;
  parsed.flags &= 3;
  return parsed;
}

std::string_view BoundedTracestate(std::string_view text) {
  text = TrimBlanks(text);
  std::size_t kept = 0;
  int members = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view member = TrimBlanks(text.substr(at, comma - at));
    if (!member.empty()) {  // empty members are allowed
      if (!ValidMember(member)) return {};
      if (comma > kMaxTracestateBytes || ++members > kMaxTracestateMembers) break;
      kept = comma;
    }
    at = comma + 1;
  }
  return TrimBlanks(text.substr(0, kept));
}

}  // namespace wirespan::span
