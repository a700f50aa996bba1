#include "agent/export/attribute_encoder.h"

#include <bit>
#include <cstring>

#include "common/base/strings.h"
#include "common/base/version.h"

namespace wirespan::exporting {
namespace {

using otlp::VarintSize;
using otlp::WireType;
using otlp::Writer;

// AnyValue's fields.
enum : std::uint32_t { kString = 1, kBool = 2, kInt = 3, kDouble = 4, kArray = 5 };

bool IsAscii(std::string_view text) {
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t all = 0;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    all |= word;
  }
  for (; left > 0; --left, ++at) all |= static_cast<unsigned char>(*at) & 0x80u;
  return (all & 0x8080808080808080u) == 0;
}

// The text itself, or `repaired` holding a copy of it that is UTF-8.
std::string_view Utf8(std::string_view text, std::string& repaired) {
  if (IsAscii(text) || IsUtf8(text)) return text;
  repaired = ToUtf8(text);
  return repaired;
}

// Tag and length of a KeyValue whose AnyValue takes `value_size` bytes, its key, and the AnyValue's
// tag and length. Room for the AnyValue itself is reserved behind.
char* PutKey(Writer& out, std::uint32_t field, std::string_view key, std::size_t value_size) {
  const std::size_t body =
      1 + VarintSize(key.size()) + key.size() + 1 + VarintSize(value_size) + value_size;
  char* at = out.Reserve(body + 2 * Writer::kMaxVarint);
  at = Writer::PutTag(at, field, WireType::kBytes);
  at = Writer::PutVarint(at, body);
  *at++ = '\x0a';
  at = Writer::PutVarint(at, key.size());
  at = Writer::PutRaw(at, key);
  *at++ = '\x12';
  return Writer::PutVarint(at, value_size);
}

// `value` is UTF-8.
void PutText(Writer& out, std::uint32_t field, std::string_view key, std::string_view value) {
  const std::size_t body = key.size() + value.size() + 6;
  if (body < 128 && field < 16) {  // all lengths take one byte
    char* at = out.Reserve(body + 2);
    *at++ = static_cast<char>(field << 3 | 2);
    *at++ = static_cast<char>(body);
    *at++ = '\x0a';
    *at++ = static_cast<char>(key.size());
    at = Writer::PutRaw(at, key);
    *at++ = '\x12';
    *at++ = static_cast<char>(value.size() + 2);
    *at++ = '\x0a';
    *at++ = static_cast<char>(value.size());
    out.Commit(Writer::PutRaw(at, value));
    return;
  }
  char* at = PutKey(out, field, key, 1 + VarintSize(value.size()) + value.size());
  *at++ = '\x0a';
  at = Writer::PutVarint(at, value.size());
  out.Commit(Writer::PutRaw(at, value));
}

void WriteInt(Writer& out, std::uint32_t field, std::string_view key, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  char* at = PutKey(out, field, key, 1 + VarintSize(bits));
  at = Writer::PutTag(at, kInt, WireType::kVarint);
  out.Commit(Writer::PutVarint(at, bits));
}

void WriteBool(Writer& out, std::uint32_t field, std::string_view key, bool value) {
  char* at = PutKey(out, field, key, 2);
  at = Writer::PutTag(at, kBool, WireType::kVarint);
  *at++ = value ? '\1' : '\0';
  out.Commit(at);
}

void WriteDouble(Writer& out, std::uint32_t field, std::string_view key, double value) {
  char* at = PutKey(out, field, key, 9);
  at = Writer::PutTag(at, kDouble, WireType::kFixed64);
  out.Commit(Writer::PutFixed(at, std::bit_cast<std::uint64_t>(value)));
}

void WriteStrings(Writer& out, std::uint32_t field, std::string_view key,
                  const std::vector<std::string>& values) {
  const auto key_value = out.Begin(field, 128);
  out.Bytes(1, key);
  const auto any = out.Begin(2, 64);
  const auto array = out.Begin(kArray, 64);
  for (const std::string& value : values) {
    const auto element = out.Begin(1);
    WriteText(out, kString, value);
    out.End(element);
  }
  out.End(array);
  out.End(any);
  out.End(key_value);
}

}  // namespace

void WriteText(Writer& out, std::uint32_t field, std::string_view text) {
  std::string repaired;
  out.Bytes(field, Utf8(text, repaired));
}

void WriteAttribute(Writer& out, std::uint32_t field, std::string_view key,
                    std::string_view value) {
  std::string repaired;
  PutText(out, field, key, Utf8(value, repaired));
}

void WriteAttribute(Writer& out, std::uint32_t field, const span::Attribute& attribute) {
  const span::AttributeValue& value = attribute.value;
  if (const auto text = value.text()) {
    if (value.utf8()) {
      PutText(out, field, attribute.key, *text);
    } else {
      WriteAttribute(out, field, attribute.key, *text);
    }
  } else if (const auto number = value.number()) {
    WriteInt(out, field, attribute.key, *number);
  } else if (const auto truth = value.truth()) {
    WriteBool(out, field, attribute.key, *truth);
  } else if (const auto real = value.real()) {
    WriteDouble(out, field, attribute.key, *real);
  }
}

void WriteResource(Writer& out, const span::Resource* resource) {
  const auto mark = out.Begin(1, 512);
  if (resource != nullptr) {
    if (!resource->service_name.empty())
      WriteAttribute(out, 1, "service.name", resource->service_name);
    for (const auto& [key, value] : resource->attributes) {
      if (key == "service.name") continue;
      std::string repaired;
      const std::string_view name = Utf8(key, repaired);
      if (const auto* text = std::get_if<std::string>(&value)) {
        WriteAttribute(out, 1, name, *text);
      } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        WriteInt(out, 1, name, *number);
      } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
        WriteStrings(out, 1, name, *list);
      }
    }
  }
  out.End(mark);
}

void WriteScope(Writer& out) {
  const auto mark = out.Begin(1);
  out.Bytes(1, "wirespan-agent");
  out.Bytes(2, kVersion);
  out.End(mark);
}

}  // namespace wirespan::exporting
