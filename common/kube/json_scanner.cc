#include "common/kube/json_scanner.h"

namespace wirespan::kube {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsBare(char c) {
  return IsDigit(c) || c == '-' || c == '+' || c == '.' || (c >= 'a' && c <= 'z') || c == 'E';
}

// RFC 8259, section 6.
bool IsNumber(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

// What a string may hold as it stands: not a quote, a backslash or a control character.
std::size_t PlainLength(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '"' && text[at] != '\\' &&
         static_cast<unsigned char>(text[at]) >= 0x20)
    ++at;
  return at;
}

}  // namespace

bool JsonScanner::Feed(std::string_view piece) {
  if (failed()) return false;
  for (std::size_t at = 0; at < piece.size();) {
    if (state_ == State::kString) {
      const std::size_t plain = PlainLength(piece.substr(at));
      if (plain > 0) {
        FlushSurrogate();
        Append(piece.substr(at, plain));
        at += plain;
        continue;
      }
    }
    if (state_ == State::kBare && !IsBare(piece[at])) {
      if (!EndBare()) return false;
      continue;  // the byte belongs to what follows
    }
    if (!Step(piece[at])) return false;
    ++at;
  }
  return true;
}

bool JsonScanner::Step(char c) {
  switch (state_) {
    case State::kValue:
      return IsBlank(c) || BeginValue(c);
    case State::kFirstValueOrEnd:
      if (IsBlank(c)) return true;
      return c == ']' ? Close(c) : BeginValue(c);
    case State::kFirstKeyOrEnd:
      if (c == '}') return Close(c);
      [[fallthrough]];
    case State::kKey:
      if (IsBlank(c)) return true;
      if (c != '"') return Fail();
      is_key_ = true;
      state_ = State::kString;
      return true;
    case State::kColon:
      if (IsBlank(c)) return true;
      if (c != ':') return Fail();
      state_ = State::kValue;
      return true;
    case State::kCommaOrEnd:
      if (IsBlank(c)) return true;
      if (c != ',') return Close(c);
      state_ = stack_.back() == '{' ? State::kKey : State::kValue;
      return true;
    case State::kString:
      if (c == '"') return EndString();
      if (c != '\\') return Fail();
      state_ = State::kEscape;
      return true;
    case State::kEscape: {
      state_ = State::kString;
      if (c == 'u') {
        state_ = State::kHex;
        hex_ = hex_digits_ = 0;
        return true;
      }
      static constexpr std::string_view kNames = "\"\\/bfnrt", kBytes = "\"\\/\b\f\n\r\t";
      const std::size_t known = kNames.find(c);
      if (known == std::string_view::npos) return Fail();
      FlushSurrogate();
      Append(kBytes.substr(known, 1));
      return true;
    }
    case State::kHex: {
      std::uint32_t digit = 0;
      if (IsDigit(c)) {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return Fail();
      }
      hex_ = hex_ * 16 + digit;
      return ++hex_digits_ < 4 || EndHex();
    }
    case State::kBare:
      if (text_.size() >= 64) return Fail();
      text_.push_back(c);
      return true;
    case State::kFailed:
      break;
  }
  return false;
}

bool JsonScanner::BeginValue(char c) {
  text_.clear();
  cut_ = false;
  if (c == '{' || c == '[') {
    if (stack_.size() >= kMaxDepth) return Fail();
    stack_.push_back(c);
    state_ = c == '{' ? State::kFirstKeyOrEnd : State::kFirstValueOrEnd;
    c == '{' ? events_.OnObject() : events_.OnArray();
    return true;
  }
  if (c == '"') {
    is_key_ = false;
    state_ = State::kString;
    return true;
  }
  if (!IsBare(c)) return Fail();
  text_.push_back(c);
  state_ = State::kBare;
  return true;
}

bool JsonScanner::Close(char c) {
  if (stack_.empty() || c != (stack_.back() == '{' ? '}' : ']')) return Fail();
  stack_.pop_back();
  state_ = AfterValue();
  events_.OnEnd();
  return true;
}

bool JsonScanner::EndBare() {
  if (text_ != "true" && text_ != "false" && text_ != "null" && !IsNumber(text_)) return Fail();
  state_ = AfterValue();
  events_.OnValue(text_ == "null" ? std::string_view() : text_, false);
  text_.clear();
  return true;
}

bool JsonScanner::EndString() {
  FlushSurrogate();
  state_ = is_key_ ? State::kColon : AfterValue();
  if (is_key_) {
    events_.OnKey(text_, cut_);
  } else {
    events_.OnValue(text_, cut_);
  }
  text_.clear();
  cut_ = false;
  return true;
}

bool JsonScanner::EndHex() {
  state_ = State::kString;
  const std::uint32_t code = hex_;
  if (code >= 0xdc00 && code < 0xe000 && high_surrogate_ != 0) {
    const std::uint32_t high = high_surrogate_;
    high_surrogate_ = 0;
    AppendCodePoint(0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00));
    return true;
  }
  FlushSurrogate();
  if (code >= 0xd800 && code < 0xdc00) {
    high_surrogate_ = code;
  } else {
    AppendCodePoint(code >= 0xdc00 && code < 0xe000 ? 0xfffd : code);
  }
  return true;
}

void JsonScanner::FlushSurrogate() {
  if (high_surrogate_ == 0) return;
  high_surrogate_ = 0;
  AppendCodePoint(0xfffd);
}

void JsonScanner::Append(std::string_view bytes) {
  if (!collect_ || cut_) return;
  const std::size_t room = kMaxTextBytes - text_.size();
  cut_ = bytes.size() > room;
  text_.append(bytes.substr(0, room));
}

void JsonScanner::AppendCodePoint(std::uint32_t code) {
  char bytes[4];
  std::size_t size = 0;
  const auto put = [&](std::uint32_t byte) { bytes[size++] = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else {
    if (code < 0x10000) {
      put(0xe0 | (code >> 12));
    } else {
      put(0xf0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3f));
    }
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  Append({bytes, size});
}

}  // namespace wirespan::kube
