#include "gateway/pipeline/ottl_lexer.h"

#include <utility>

namespace wirespan::gateway {

namespace {

using Kind = OttlToken::Kind;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '_'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<OttlToken>& tokens, OttlMistake& mistake)
      : text_(text), tokens_(tokens), mistake_(mistake) {}

  bool Run() {
    while (SkipSpace(), at_ < text_.size()) {
      if (!One()) return false;
    }
    tokens_.push_back({Kind::kEnd, {}, text_.size()});
    return true;
  }

 private:
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++at_;
  }
  bool Wrong(std::string message, std::size_t at) {
    mistake_ = {std::move(message), at};
    return false;
  }

  bool One() {
    const std::size_t start = at_;
    const char c = Peek();
    if (c == '"') return String();
    if (c == '0' && (Peek(1) == 'x' || Peek(1) == 'X')) return Bytes();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number();
    if (IsLower(c) || IsUpper(c)) {
      while (IsWord(Peek())) ++at_;
      tokens_.push_back({IsLower(c) ? Kind::kLower : Kind::kUpper,
                         std::string(text_.substr(start, at_ - start)), start});
      return true;
    }
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view symbol :
         {"==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/"}) {
      if (!rest.starts_with(symbol)) continue;
      at_ += symbol.size();
      tokens_.push_back({Kind::kSymbol, std::string(symbol), start});
      return true;
    }
    if (c == '\'') return Wrong("texts stand in double quotes", start);
    if (c == '=') return Wrong("equality is written ==", start);
    if (c == '&' || c == '|' || c == '!') {
      return Wrong("the operators are the words and, or, not", start);
    }
    return Wrong("this character has no meaning here", start);
  }

  // The escapes of Go's quoted strings, as far as they make one byte.
  bool String() {
    const std::size_t start = at_++;
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        tokens_.push_back({Kind::kString, std::move(value), start});
        return true;
      }
      if (c != '\\') {
        value += c;
        continue;
      }
      const char escaped = Peek();
      ++at_;
      switch (escaped) {
        case 'n':
          value += '\n';
          break;
        case 't':
          value += '\t';
          break;
        case 'r':
          value += '\r';
          break;
        case '"':
        case '\\':
        case '\'':
          value += escaped;
          break;
        default:
          return Wrong("unknown escape; a backslash in a pattern is written \\\\", at_ - 2);
      }
    }
    return Wrong("the text is not closed", start);
  }

  bool Bytes() {
    const std::size_t start = at_;
    at_ += 2;
    std::string value;
    while (HexDigit(Peek()) >= 0 && HexDigit(Peek(1)) >= 0) {
      value += static_cast<char>(HexDigit(Peek()) * 16 + HexDigit(Peek(1)));
      at_ += 2;
    }
    if (value.empty() || IsWord(Peek()))
      return Wrong("0x needs pairs of hexadecimal digits", start);
    tokens_.push_back({Kind::kBytes, std::move(value), start});
    return true;
  }

  bool Number() {
    const std::size_t start = at_;
    bool fraction = false;
    while (IsDigit(Peek())) ++at_;
    if (Peek() == '.') {
      fraction = true;
      ++at_;
      while (IsDigit(Peek())) ++at_;
    }
    if (fraction && (Peek() == 'e' || Peek() == 'E')) {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!IsDigit(Peek())) return Wrong("the exponent has no digits", start);
      while (IsDigit(Peek())) ++at_;
    }
    if (IsWord(Peek())) return Wrong("a number ends with a digit", start);
    tokens_.push_back({fraction ? Kind::kDouble : Kind::kInt,
                       std::string(text_.substr(start, at_ - start)), start});
    return true;
  }

  const std::string_view text_;
  std::vector<OttlToken>& tokens_;
  OttlMistake& mistake_;
  std::size_t at_ = 0;
};

}  // namespace

bool LexOttl(std::string_view text, std::vector<OttlToken>& tokens, OttlMistake& mistake) {
  return Lexer(text, tokens, mistake).Run();
}

}  // namespace wirespan::gateway
