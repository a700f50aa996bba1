#include "common/otlp/json_lexer.h"

#include <charconv>
#include <cstdint>

#include "common/base/strings.h"

namespace wirespan::otlp {

namespace {

void AppendUtf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 63));
    out += static_cast<char>(0x80 | ((code >> 6) & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

}  // namespace

std::optional<std::string> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* end = text.data() + i + 2;
    const auto [stop, error] = std::from_chars(text.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

bool JsonLexer::AtEnd() { return rest_.empty() || Bad("text after the end"); }

tl::unexpected<Error> JsonLexer::Failure() const {
  return Fail(ErrorCode::kInvalidArgument, "offset " + std::to_string(error_at_) + ": " + error_);
}

bool JsonLexer::Bad(const char* what) {
  if (error_.empty()) {
    error_ = what;
    error_at_ = static_cast<std::size_t>(rest_.data() - begin_);
  }
  return false;
}

void JsonLexer::Space() {
  while (!rest_.empty() &&
         (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r')) {
    rest_.remove_prefix(1);
  }
}

bool JsonLexer::Take(char c) {
  if (Peek() != c || rest_.empty()) return false;
  rest_.remove_prefix(1);
  Space();
  return true;
}

bool JsonLexer::TakeWord(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  Space();
  return true;
}

bool JsonLexer::Hex4(std::uint32_t& code) {
  if (rest_.size() < 4) return Bad("cut escape");
  const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
  if (error != std::errc() || stop != rest_.data() + 4) return Bad("bad \\u escape");
  rest_.remove_prefix(4);
  return true;
}

bool JsonLexer::Escape(std::string& out) {
  if (rest_.empty()) return Bad("cut string");
  const char c = rest_[0];
  rest_.remove_prefix(1);
  switch (c) {
    case '"':
    case '\\':
    case '/':
      out += c;
      return true;
    case 'b':
      out += '\b';
      return true;
    case 'f':
      out += '\f';
      return true;
    case 'n':
      out += '\n';
      return true;
    case 'r':
      out += '\r';
      return true;
    case 't':
      out += '\t';
      return true;
    case 'u':
      break;
    default:
      return Bad("bad escape");
  }
  std::uint32_t code = 0;
  if (!Hex4(code)) return false;
  if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
    rest_.remove_prefix(2);
    std::uint32_t low = 0;
    if (!Hex4(low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return Bad("lone surrogate");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code <= 0xdfff) {
    return Bad("lone surrogate");
  }
  AppendUtf8(out, code);
  return true;
}

bool JsonLexer::String(std::string& out) {
  out.clear();
  if (Peek() != '"') return Bad("a string is needed here");
  rest_.remove_prefix(1);
  while (true) {
    std::size_t plain = 0;
    while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
           static_cast<unsigned char>(rest_[plain]) >= 0x20) {
      ++plain;
    }
    out.append(rest_.substr(0, plain));
    rest_.remove_prefix(plain);
    if (rest_.empty()) return Bad("cut string");
    const char c = rest_[0];
    if (static_cast<unsigned char>(c) < 0x20) return Bad("control character in a string");
    rest_.remove_prefix(1);
    if (c == '"') {
      Space();
      return IsUtf8(out) || Bad("a string is not UTF-8");
    }
    if (!Escape(out)) return false;
  }
}

bool JsonLexer::Number(std::string_view& text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < rest_.size() && rest_[i] >= '0' && rest_[i] <= '9') ++i;
    return i - from;
  };
  if (Peek() == '-') ++i;
  const std::size_t whole_at = i;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && rest_[whole_at] == '0')) return Bad("a number is needed here");
  if (i < rest_.size() && rest_[i] == '.') {
    ++i;
    if (digits() == 0) return Bad("bad number");
  }
  if (i < rest_.size() && (rest_[i] == 'e' || rest_[i] == 'E')) {
    ++i;
    if (i < rest_.size() && (rest_[i] == '+' || rest_[i] == '-')) ++i;
    if (digits() == 0) return Bad("bad number");
  }
  text = rest_.substr(0, i);
  rest_.remove_prefix(i);
  Space();
  return true;
}

bool JsonLexer::SkipValue(int depth) {
  if (depth > kMaxJsonDepth) return Bad("nested too deeply");
  switch (Peek()) {
    case '{':
      Take('{');
      if (Take('}')) return true;
      do {
        if (!String(skipped_)) return false;
        if (!Take(':')) return Bad("':' is needed here");
        if (!SkipValue(depth + 1)) return false;
      } while (Take(','));
      return Take('}') || Bad("',' or '}' is needed here");
    case '[':
      Take('[');
      if (Take(']')) return true;
      do {
        if (!SkipValue(depth + 1)) return false;
      } while (Take(','));
      return Take(']') || Bad("',' or ']' is needed here");
    case '"':
      return String(skipped_);
    default:
      break;
  }
  if (TakeWord("true") || TakeWord("false") || TakeWord("null")) return true;
  std::string_view number;
  return Number(number);
}

}  // namespace wirespan::otlp
