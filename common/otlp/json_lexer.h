#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/otlp/json.h"

namespace wirespan::otlp {

// Reads JSON token by token, for readers that know what they expect. Every method that fails
// returns false and remembers the first failure with its offset; white space behind a token is
// taken with it.
class JsonLexer {
 public:
  explicit JsonLexer(std::string_view json) : begin_(json.data()), rest_(json) { Space(); }

  char Peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  bool Take(char c);  // false is no failure: something else stands here
  bool TakeWord(std::string_view word);
  bool String(std::string& out);
  // The text of a number, checked against JSON's grammar.
  bool Number(std::string_view& text);
  bool SkipValue(int depth);  // up to kMaxJsonDepth
  bool AtEnd();

  // Remembers the failure; always false.
  bool Bad(const char* what);
  tl::unexpected<Error> Failure() const;

 private:
  void Space();
  bool Hex4(std::uint32_t& code);
  bool Escape(std::string& out);

  const char* begin_;
  std::string_view rest_;
  std::string skipped_{};  // scratch
  std::string error_{};
  std::size_t error_at_ = 0;
};

std::optional<std::string> FromHex(std::string_view text);

}  // namespace wirespan::otlp
