#include "agent/protocol/http1/field.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace wirespan::http1 {
namespace {

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = MakeTokenTable();

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Calls `take` with each element of a comma-separated list.
template <class Take>
void ForEachElement(std::string_view list, Take take) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view element = TrimSpace(list.substr(0, comma));
    if (!element.empty()) take(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

void ReadContentLength(std::string_view value, Framing& framing) {
  bool any = false;
  ForEachElement(value, [&](std::string_view element) {
    any = true;
    std::uint64_t number = 0;
    if (element.size() > 19) framing.bad_length = true;  // no 64-bit file is that long
    for (const char c : element.substr(0, 19)) {
      if (c < '0' || c > '9') framing.bad_length = true;
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (framing.content_length && *framing.content_length != number) framing.bad_length = true;
    framing.content_length = number;
  });
  if (!any) framing.bad_length = true;
}

}  // namespace

bool IsTokenChar(char c) { return kToken[static_cast<unsigned char>(c)]; }

bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

FieldStatus NextField(std::string_view input, std::size_t& pos, std::string_view& name,
                      std::string_view& value) {
  const char* const begin = input.data() + pos;
  const char* const end = input.data() + input.size();
  if (begin == end) return FieldStatus::kNeedMore;
  if (*begin == '\n') {
    pos += 1;
    return FieldStatus::kEnd;
  }
  if (*begin == '\r') {
    if (begin + 1 == end) return FieldStatus::kNeedMore;
    if (begin[1] == '\n') {
      pos += 2;
      return FieldStatus::kEnd;
    }
  }
  const char* newline =
      static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
  while (newline != nullptr && newline + 1 != end && (newline[1] == ' ' || newline[1] == '\t')) {
    newline = static_cast<const char*>(
        std::memchr(newline + 1, '\n', static_cast<std::size_t>(end - newline - 1)));
  }
  // The line after it tells whether the field goes on.
  if (newline == nullptr || newline + 1 == end) return FieldStatus::kNeedMore;
  pos = static_cast<std::size_t>(newline + 1 - input.data());
  name = value = {};
  const std::string_view line(begin, static_cast<std::size_t>(newline - begin));
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return FieldStatus::kField;
  name = TrimSpace(line.substr(0, colon));
  value = TrimSpace(line.substr(colon + 1));
  return FieldStatus::kField;
}

bool ReadFramingField(std::string_view name, std::string_view value, Framing& framing) {
  switch (name.size()) {
    case 14:
      if (!EqualsLower(name, "content-length")) return false;
      ReadContentLength(value, framing);
      return true;
    case 17:
      if (!EqualsLower(name, "transfer-encoding")) return false;
      framing.transfer_encoding = true;
      ForEachElement(value, [&](std::string_view coding) {
        framing.chunked = EqualsLower(coding, "chunked");
      });
      return true;
    case 10:
      if (!EqualsLower(name, "connection")) return false;
      ForEachElement(value, [&](std::string_view option) {
        if (EqualsLower(option, "close")) framing.connection_close = true;
        if (EqualsLower(option, "keep-alive")) framing.connection_keep_alive = true;
        if (EqualsLower(option, "upgrade")) framing.connection_upgrade = true;
      });
      return true;
    default:
      return false;
  }
}

}  // namespace wirespan::http1
