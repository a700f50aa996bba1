#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "agent/protocol/http1/head.h"

// Field lines of a head, one by one; shared by the parsers of heads.
namespace wirespan::http1 {

// tchar of RFC 9110.
bool IsTokenChar(char c);
// Equal without regard to case; `lower` is in lower case.
bool EqualsLower(std::string_view text, std::string_view lower);
std::string_view TrimSpace(std::string_view text);

enum class FieldStatus : unsigned char { kField, kEnd, kNeedMore };

// First letters, in both cases, of the names that a caller wants.
using FirstLetters = std::array<bool, 256>;
constexpr FirstLetters MakeFirstLetters(std::string_view lower) {
  FirstLetters table{};
  for (const char c : lower) {
    table[static_cast<unsigned char>(c)] = true;
    table[static_cast<unsigned char>(c - 'a' + 'A')] = true;
  }
  return table;
}
inline constexpr std::size_t kLongestName = 17;  // of the names that anybody wants

// Reads the next field whose name starts with one of `letters`, from `pos` (a line's start) on, and
// moves behind it, folds included. A malformed line, or a longer name than any wanted, gives an
// empty name. kNeedMore leaves `pos` at the start of the first incomplete line.
FieldStatus NextField(std::string_view input, std::size_t& pos, const FirstLetters& letters,
                      std::string_view& name, std::string_view& value);

// Takes the fields about framing. True if it was one.
bool ReadFramingField(std::string_view name, std::string_view value, Framing& framing);

}  // namespace wirespan::http1
