#pragma once

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

// Reads the field at `pos` (a line's start) and moves behind it, folds included. A malformed line
// gives an empty name. kNeedMore leaves `pos` at the start of the first incomplete line.
FieldStatus NextField(std::string_view input, std::size_t& pos, std::string_view& name,
                      std::string_view& value);

// Takes the fields about framing. True if it was one.
bool ReadFramingField(std::string_view name, std::string_view value, Framing& framing);

}  // namespace wirespan::http1
