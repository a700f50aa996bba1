#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "common/base/strings.h"
#include "common/otlp/json.h"
#include "common/otlp/json_lexer.h"
#include "common/otlp/json_schema.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

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
class Transcoder : private JsonLexer {
 public:
  explicit Transcoder(std::string_view json) : JsonLexer(json) {}

  Result<std::string> Run(const Descriptor& type) {
    if (!Message(type, 0) || !AtEnd()) return Failure();
    return writer_.Take();
  }

 private:
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
      if (!String(scratch_)) return false;
      text = scratch_;
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
      if (!String(scratch_)) return false;
      text = scratch_;
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

  Writer writer_{};
  std::string scratch_{};
};

}  // namespace

Result<std::string> RequestFromJson(Signal signal, std::string_view json) {
  const auto* descriptor = RequestDescriptor(signal);
  if (descriptor == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "profiles have no stable JSON yet");
  }
  return Transcoder(json).Run(*descriptor);
}

}  // namespace wirespan::otlp
