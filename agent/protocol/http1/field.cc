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

namespace {
// One word of each, upper case letters of `text` taken as lower ones. A byte with bit 6 in `lower`
// is a letter, and differs from its upper case in bit 5 alone.
template <class Word>
bool SameWord(const char* text, const char* lower) {
  constexpr Word kBit6 = static_cast<Word>(0x4040404040404040u);
  Word a;
  Word b;
  std::memcpy(&a, text, sizeof a);
  std::memcpy(&b, lower, sizeof b);
  return (a | ((b & kBit6) >> 1)) == b;
}
}  // namespace

bool EqualsLower(std::string_view text, std::string_view lower) {
  const std::size_t n = text.size();
  if (n != lower.size()) return false;
  const char* const a = text.data();
  const char* const b = lower.data();
  if (n > 16)
    return EqualsLower(text.substr(0, 16), lower.substr(0, 16)) &&
           EqualsLower(text.substr(n - 16), lower.substr(n - 16));
  if (n >= 8) return SameWord<std::uint64_t>(a, b) && SameWord<std::uint64_t>(a + n - 8, b + n - 8);
  if (n >= 4) return SameWord<std::uint32_t>(a, b) && SameWord<std::uint32_t>(a + n - 4, b + n - 4);
  for (std::size_t i = 0; i < n; ++i) {
    if (!SameWord<std::uint8_t>(a + i, b + i)) return false;
  }
  return true;
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

FieldStatus NextField(std::string_view input, std::size_t& pos, const FirstLetters& letters,
                      std::string_view& name, std::string_view& value) {
  const char* const end = input.data() + input.size();
  const char* begin = input.data() + pos;
  // Lines of no interest, among them the folds of such lines: from LF to LF.
  while (begin != end && !letters[static_cast<unsigned char>(*begin)]) {
    const char* const newline =
        static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
    if (newline == nullptr) break;
    if (newline == begin || (newline == begin + 1 && *begin == '\r')) {
      pos = static_cast<std::size_t>(newline + 1 - input.data());
      return FieldStatus::kEnd;
    }
    begin = newline + 1;
  }
  pos = static_cast<std::size_t>(begin - input.data());
  const char* newline = begin == end ? nullptr
                                     : static_cast<const char*>(std::memchr(
                                           begin, '\n', static_cast<std::size_t>(end - begin)));
  while (newline != nullptr && newline + 1 != end && (newline[1] == ' ' || newline[1] == '\t')) {
    newline = static_cast<const char*>(
        std::memchr(newline + 1, '\n', static_cast<std::size_t>(end - newline - 1)));
  }
  // The line after it tells whether the field goes on.
  if (newline == nullptr || newline + 1 == end) return FieldStatus::kNeedMore;
  pos = static_cast<std::size_t>(newline + 1 - input.data());
  name = value = {};
  const std::string_view line(begin, static_cast<std::size_t>(newline - begin));
  const std::size_t colon = line.substr(0, kLongestName + 8).find(':');
  if (colon == std::string_view::npos) return FieldStatus::kField;
  name = line.substr(0, colon);
  while (!name.empty() && IsSpace(name.back())) name.remove_suffix(1);
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
