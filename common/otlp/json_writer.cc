#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "common/base/strings.h"
#include "common/otlp/json.h"
#include "common/otlp/json_schema.h"
#include "common/otlp/json_text.h"
#include "common/otlp/walk.h"
#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

WireType ExpectedType(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
      return WireType::kBytes;
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return WireType::kFixed64;
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return WireType::kFixed32;
    default:
      return WireType::kVarint;
  }
}

void AppendDouble(std::string& out, double value) {
  if (std::isnan(value))
    out += "\"NaN\"";
  else if (std::isinf(value))
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  else
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void AppendScalar(std::string& out, const FieldDescriptor& field, std::uint64_t value) {
  auto to = std::back_inserter(out);
  switch (field.type()) {
    case FieldDescriptor::TYPE_BOOL:
      out += value != 0 ? "true" : "false";
      break;
    case FieldDescriptor::TYPE_DOUBLE:
      AppendDouble(out, std::bit_cast<double>(value));
      break;
    case FieldDescriptor::TYPE_ENUM:
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_SFIXED32:
      fmt::format_to(to, "{}", static_cast<std::int32_t>(value));
      break;
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_FIXED32:
      fmt::format_to(to, "{}", static_cast<std::uint32_t>(value));
      break;
    case FieldDescriptor::TYPE_SINT32:
      fmt::format_to(to, "{}", static_cast<std::int32_t>((value >> 1) ^ (~(value & 1) + 1)));
      break;
    case FieldDescriptor::TYPE_SINT64:
      fmt::format_to(to, "\"{}\"", static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1)));
      break;
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_SFIXED64:
      fmt::format_to(to, "\"{}\"", static_cast<std::int64_t>(value));
      break;
    default:
      fmt::format_to(to, "\"{}\"", value);
  }
}

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  bool Message(const Descriptor& type, std::string_view message, int depth) {
    if (depth > 2 * kMaxValueDepth) return false;
    std::vector<Field> fields;
    Reader reader(message);
    for (Field field; reader.Next(field);) fields.push_back(field);
    if (!reader.ok()) return false;
    out_ += '{';
    bool first = true;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!Member(field, fields, first, depth)) return false;
    }
    out_ += '}';
    return true;
  }

 private:
  void Key(const FieldDescriptor& field, bool& first) {
    if (!first) out_ += ',';
    first = false;
    out_ += '"';
    out_ += field.json_name();
    out_ += "\":";
  }

  bool Member(const FieldDescriptor& field, const std::vector<Field>& fields, bool& first,
              int depth) {
    const auto number = static_cast<std::uint32_t>(field.number());
    if (!field.is_repeated()) {
      const Field* last = nullptr;  // of several the last counts
      for (const Field& candidate : fields) {
        if (candidate.Is(number, ExpectedType(field))) last = &candidate;
      }
      if (last == nullptr) return true;
      const bool empty = last->type == WireType::kBytes ? last->bytes.empty() : last->value == 0;
      if (empty && !field.has_presence()) return true;
      Key(field, first);
      return Value(field, *last, depth);
    }
    bool opened = false;
    for (const Field& candidate : fields) {
      if (candidate.number != number) continue;
      const bool packed = field.is_packable() && candidate.type == WireType::kBytes;
      if (!packed && candidate.type != ExpectedType(field)) continue;
      if (packed && candidate.bytes.empty()) continue;
      if (opened) {
        out_ += ',';
      } else {
        Key(field, first);
        out_ += '[';
        opened = true;
      }
      if (packed ? !Packed(field, candidate.bytes) : !Value(field, candidate, depth)) return false;
    }
    if (opened) out_ += ']';
    return true;
  }

  bool Packed(const FieldDescriptor& field, std::string_view bytes) {
    for (bool first = true; !bytes.empty(); first = false) {
      std::uint64_t value = 0;
      if (ExpectedType(field) == WireType::kVarint) {
        if (!ReadVarint(bytes, value)) return false;
      } else {
        const std::size_t size = ExpectedType(field) == WireType::kFixed64 ? 8 : 4;
        if (bytes.size() < size) return false;
        std::memcpy(&value, bytes.data(), size);
        bytes.remove_prefix(size);
      }
      if (!first) out_ += ',';
      AppendScalar(out_, field, value);
    }
    return true;
  }

  bool Value(const FieldDescriptor& field, const Field& value, int depth) {
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE:
        return Message(*field.message_type(), value.bytes, depth + 1);
      case FieldDescriptor::TYPE_STRING:
        AppendJsonString(out_, value.bytes);
        return true;
      case FieldDescriptor::TYPE_BYTES:
        AppendJsonString(out_, IsHexId(field) ? ToHex(value.bytes) : Base64(value.bytes));
        return true;
      default:
        AppendScalar(out_, field, value.value);
        return true;
    }
  }

  std::string& out_;
};

}  // namespace

Result<std::string> RequestToJson(Signal signal, std::string_view request) {
  std::string out;
  const auto* descriptor = RequestDescriptor(signal);
  if (descriptor == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "profiles have no stable JSON yet");
  }
  if (!Printer(out).Message(*descriptor, request, 0)) {
    return Fail(ErrorCode::kInvalidArgument, "the request is not well-formed protobuf");
  }
  return out;
}

}  // namespace wirespan::otlp
