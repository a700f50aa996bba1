#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

// Shell-like patterns for configuration: executables, command lines, paths, hosts.
//
//   *      any run of bytes, '/' included
//   ?      any one byte
//   [a-z]  one of a set; [!a-z] or [^a-z] one not in it; a ']' that stands first is itself
//   \x     the byte x itself
//
// Matching costs at most pattern x text steps and no memory, whatever the pattern: no exponential
// case.
namespace wirespan {

class Glob {
 public:
  // kInvalidArgument: an unclosed '[', a trailing '\', or more than 4096 bytes.
  static Result<Glob> Compile(std::string_view pattern);

  bool Matches(std::string_view text) const;
  const std::string& pattern() const { return pattern_; }
  // True if the pattern matches one text only; literal_text() is that text.
  bool literal() const { return literal_; }
  std::string literal_text() const;

 private:
  enum class Kind : unsigned char { kByte, kAny, kRun, kSet };
  struct Token {
    Kind kind = Kind::kByte;
    unsigned char byte = 0;
    unsigned set = 0;  // index into sets_
  };
  struct Set {
    unsigned long long bits[4] = {0, 0, 0, 0};
    bool Has(unsigned char byte) const { return (bits[byte >> 6] >> (byte & 63)) & 1; }
    void Add(unsigned char byte) { bits[byte >> 6] |= 1ull << (byte & 63); }
  };

  bool MatchesOne(const Token& token, unsigned char byte) const;

  std::string pattern_;
  std::vector<Token> tokens_;
  std::vector<Set> sets_;
  bool literal_ = true;
};

// Any of several patterns; empty matches nothing.
class GlobSet {
 public:
  static Result<GlobSet> Compile(const std::vector<std::string>& patterns);
  bool Matches(std::string_view text) const;
  bool empty() const { return globs_.empty(); }

 private:
  std::vector<Glob> globs_;
};

}  // namespace wirespan
