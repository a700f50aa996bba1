#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::gateway {

struct OttlToken {
  enum class Kind : std::uint8_t {
    kEnd,
    kLower,   // name, and, or, not, true, nil: begins with a lower-case letter
    kUpper,   // IsMatch, SPAN_KIND_SERVER
    kString,  // text: unescaped
    kBytes,   // 0x...; text: the bytes
    kInt,
    kDouble,
    kSymbol,  // ( ) [ ] , . + - * / == != < <= > >=
  };
  Kind kind = Kind::kEnd;
  std::string text{};
  std::size_t at = 0;  // its first character in the condition
};

// What is wrong with a condition, and where.
struct OttlMistake {
  std::string message{};
  std::size_t at = 0;
};

// False: `mistake` says why. The last token is kEnd.
bool LexOttl(std::string_view text, std::vector<OttlToken>& tokens, OttlMistake& mistake);

}  // namespace wirespan::gateway
