#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "common/base/strings.h"
#include "common/otlp/json.h"
#include "common/otlp/json_schema.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

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

// RFC 4648, both alphabets, padding optional: as protobuf's JSON mapping reads it.
std::optional<std::string> FromBase64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z')
      value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '-')
      value = 62;
    else if (c == '/' || c == '_')
      value = 63;
    else
      return std::nullopt;
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>((bits >> held) & 0xff);
    }
  }
  if (text.size() % 4 == 1) return std::nullopt;
  return bytes;
}

// Reads JSON and writes protobuf as it goes. A failure is remembered once, with its offset.
class Transcoder {
 public:
  explicit Transcoder(std::string_view json) : begin_(json.data()), rest_(json) {}

  Result<std::string> Run(const Descriptor& type) {
    Space();
    if (!Message(type, 0)) return Failure();
    Space();
    if (!rest_.empty()) {
      Bad("text after the end");
      return Failure();
    }
    return writer_.Take();
  }

 private:
  tl::unexpected<Error> Failure() const {
    return Fail(ErrorCode::kInvalidArgument, "offset " + std::to_string(error_at_) + ": " + error_);
  }
  bool Bad(const char* what) {
    if (error_.empty()) {
      error_ = what;
      error_at_ = static_cast<std::size_t>(rest_.data() - begin_);
    }
    return false;
  }
  void Space() {
    while (!rest_.empty() &&
           (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }
  char Peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  bool Take(char c) {
    if (Peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    Space();
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    Space();
    return true;
  }

  bool Hex4(std::uint32_t& code) {
    if (rest_.size() < 4) return Bad("cut escape");
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (error != std::errc() || stop != rest_.data() + 4) return Bad("bad \\u escape");
    rest_.remove_prefix(4);
    return true;
  }
  bool Escape(std::string& out) {
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
  bool String(std::string& out) {
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
  // The text of a number, checked against JSON's grammar.
  bool Number(std::string_view& text) {
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

  bool SkipValue(int depth) {
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

  bool Message(const Descriptor& type, int depth) {
    if (depth > kMaxJsonDepth) return Bad("nested too deeply");
    if (!Take('{')) return Bad("an object is needed here");
    if (Take('}')) return true;
    std::string key;
    do {
      if (!String(key)) return false;
      if (!Take(':')) return Bad("':' is needed here");
      const FieldDescriptor* field = type.FindFieldByCamelcaseName(key);
      if (field == nullptr || field->json_name() != key) {
        if (!SkipValue(depth + 1)) return false;
      } else if (TakeWord("null")) {
        continue;
      } else if (field->is_repeated() ? !Array(*field, depth) : !Value(*field, depth)) {
        return false;
      }
    } while (Take(','));
    return Take('}') || Bad("',' or '}' is needed here");
  }

  bool Array(const FieldDescriptor& field, int depth) {
    if (!Take('[')) return Bad("an array is needed here");
    if (Take(']')) return true;
    Writer::Mark packed;
    if (field.is_packed()) {
      packed = writer_.Begin(static_cast<std::uint32_t>(field.number()), 128);
    }
    do {
      if (!Value(field, depth)) return false;
    } while (Take(','));
    if (field.is_packed()) writer_.End(packed);
    return Take(']') || Bad("',' or ']' is needed here");
  }

  void PutVarint(const FieldDescriptor& field, std::uint64_t value) {
    if (field.is_packed()) {
      writer_.Commit(Writer::PutVarint(writer_.Reserve(Writer::kMaxVarint), value));
    } else {
      writer_.Varint(static_cast<std::uint32_t>(field.number()), value);
    }
  }
  template <class Unsigned>
  void PutFixed(const FieldDescriptor& field, Unsigned value) {
    if (!field.is_packed()) {
      const WireType type = sizeof(value) == 8 ? WireType::kFixed64 : WireType::kFixed32;
      writer_.Commit(Writer::PutTag(writer_.Reserve(Writer::kMaxVarint),
                                    static_cast<std::uint32_t>(field.number()), type));
    }
    writer_.Commit(Writer::PutFixed(writer_.Reserve(sizeof(value)), value));
  }

  // An integer as a number or in a string; "1e3" and "5.0" count where they are whole.
  template <class Int>
  bool Integer(Int& value) {
    std::string_view text;
    const bool quoted = Peek() == '"';
    if (quoted) {
      if (!String(skipped_)) return false;
      text = skipped_;
    } else if (!Number(text)) {
      return false;
    }
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end) return true;
    if (error == std::errc::result_out_of_range) return Bad("integer out of range");
    double number = 0;
    const auto [real_stop, real_error] = std::from_chars(text.data(), end, number);
    // Up to 2^53 a double holds every integer.
    if (real_error != std::errc() || real_stop != end || std::trunc(number) != number ||
        std::abs(number) > 9007199254740992.0 ||
        number < static_cast<double>(std::numeric_limits<Int>::lowest()) ||
        number > static_cast<double>(std::numeric_limits<Int>::max())) {
      return Bad("an integer is needed here");
    }
    value = static_cast<Int>(number);
    return true;
  }
  bool Real(double& value) {
    std::string_view text;
    if (Peek() == '"') {
      if (!String(skipped_)) return false;
      text = skipped_;
      if (text == "NaN")
        value = std::numeric_limits<double>::quiet_NaN();
      else if (text == "Infinity")
        value = std::numeric_limits<double>::infinity();
      else if (text == "-Infinity")
        value = -std::numeric_limits<double>::infinity();
      else if (const auto parsed = ParseDouble(text))
        value = *parsed;
      else
        return Bad("a number is needed here");
      return true;
    }
    if (!Number(text)) return false;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() || Bad("number out of range");
  }

  bool Bytes(const FieldDescriptor& field) {
    std::string text;
    if (!String(text)) return false;
    const auto bytes = IsHexId(field) ? FromHex(text) : FromBase64(text);
    if (!bytes) return Bad(IsHexId(field) ? "an id must be hexadecimal" : "bytes must be base64");
    writer_.Bytes(static_cast<std::uint32_t>(field.number()), *bytes);
    return true;
  }

  bool Value(const FieldDescriptor& field, int depth) {
    const auto number = static_cast<std::uint32_t>(field.number());
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE: {
        const Writer::Mark mark = writer_.Begin(number, depth < 3 ? 4096 : 32);
        if (!Message(*field.message_type(), depth + 1)) return false;
        writer_.End(mark);
        return true;
      }
      case FieldDescriptor::TYPE_STRING: {
        std::string text;
        if (!String(text)) return false;
        writer_.Bytes(number, text);
        return true;
      }
      case FieldDescriptor::TYPE_BYTES:
        return Bytes(field);
      case FieldDescriptor::TYPE_BOOL: {
        const bool yes = TakeWord("true");
        if (!yes && !TakeWord("false")) return Bad("true or false is needed here");
        PutVarint(field, yes ? 1 : 0);
        return true;
      }
      case FieldDescriptor::TYPE_DOUBLE: {
        double value = 0;
        if (!Real(value)) return false;
        PutFixed(field, std::bit_cast<std::uint64_t>(value));
        return true;
      }
      case FieldDescriptor::TYPE_ENUM: {
        if (Peek() == '"') return Bad("an enum must be an integer");
        std::int32_t value = 0;
        if (!Integer(value)) return false;
        PutVarint(field, static_cast<std::uint64_t>(std::int64_t{value}));
        return true;
      }
      case FieldDescriptor::TYPE_INT32:
      case FieldDescriptor::TYPE_SINT32:
      case FieldDescriptor::TYPE_SFIXED32: {
        std::int32_t value = 0;
        if (!Integer(value)) return false;
        return PutSigned(field, value);
      }
      case FieldDescriptor::TYPE_UINT32:
      case FieldDescriptor::TYPE_FIXED32: {
        std::uint32_t value = 0;
        if (!Integer(value)) return false;
        if (field.type() == FieldDescriptor::TYPE_FIXED32)
          PutFixed(field, value);
        else
          PutVarint(field, value);
        return true;
      }
      case FieldDescriptor::TYPE_INT64:
      case FieldDescriptor::TYPE_SINT64:
      case FieldDescriptor::TYPE_SFIXED64: {
        std::int64_t value = 0;
        if (!Integer(value)) return false;
        return PutSigned(field, value);
      }
      case FieldDescriptor::TYPE_UINT64:
      case FieldDescriptor::TYPE_FIXED64: {
        std::uint64_t value = 0;
        if (!Integer(value)) return false;
        if (field.type() == FieldDescriptor::TYPE_FIXED64)
          PutFixed(field, value);
        else
          PutVarint(field, value);
        return true;
      }
      default:
        return SkipValue(depth + 1);  // float, group: OTLP has none
    }
  }
  bool PutSigned(const FieldDescriptor& field, std::int64_t value) {
    switch (field.type()) {
      case FieldDescriptor::TYPE_SFIXED32:
        PutFixed(field, static_cast<std::uint32_t>(value));
        break;
      case FieldDescriptor::TYPE_SFIXED64:
        PutFixed(field, static_cast<std::uint64_t>(value));
        break;
      case FieldDescriptor::TYPE_SINT32:
      case FieldDescriptor::TYPE_SINT64:
        PutVarint(field, ZigZag(value));
        break;
      default:
        PutVarint(field, static_cast<std::uint64_t>(value));
    }
    return true;
  }

  const char* begin_;
  std::string_view rest_;
  Writer writer_{};
  std::string skipped_{};  // scratch
  std::string error_{};
  std::size_t error_at_ = 0;
};

}  // namespace

Result<std::string> RequestFromJson(Signal signal, std::string_view json) {
  return Transcoder(json).Run(*RequestDescriptor(signal));
}

}  // namespace wirespan::otlp
