#include "gateway/pipeline/attribute_actions.h"

#include <cstring>
#include <limits>

#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "gateway/pipeline/any_value.h"

namespace wirespan::gateway {

namespace {

using Kind = AnyValue::Kind;
using Attribute = AttributeList::Attribute;

std::string_view Encoded(AttributeList& list, const AnyValue& value) {
  thread_local std::string message;
  message.clear();
  AppendAnyValue(message, value);
  return list.arena().Keep(message);
}

std::optional<std::string_view> FromContext(std::string_view key, const Metadata* metadata,
                                            AttributeList& list) {
  if (metadata == nullptr) return std::nullopt;
  const std::vector<std::string>* values = metadata->Find(key);
  if (values == nullptr || values->empty()) return std::nullopt;
  std::string joined;
  for (const std::string& value : *values) {
    if (&value != &values->front()) joined += ';';
    joined += value;
  }
  return Encoded(list, AnyValue::String(joined));
}

std::optional<std::string_view> Source(const AttributeAction& action, const Metadata* metadata,
                                       AttributeList& list) {
  if (action.value) return *action.value;
  if (!action.from_context.empty()) return FromContext(action.from_context, metadata, list);
  const Attribute* from = list.Find(action.from_attribute);
  if (from == nullptr) return std::nullopt;
  return from->value;
}

void Write(const AttributeAction& action, const Metadata* metadata, AttributeList& list) {
  Attribute* present = list.Find(action.key);
  if (action.kind == AttributeAction::Kind::kInsert && present != nullptr) return;
  if (action.kind == AttributeAction::Kind::kUpdate && present == nullptr) return;
  const auto value = Source(action, metadata, list);
  if (value) list.Put(action.key, *value);
}

// Texts by their bytes, numbers by their eight bytes (little-endian), booleans by one. What has no
// such bytes, an empty text too, becomes the empty text.
void Hash(Attribute& attribute, AttributeList& list) {
  const AnyValue value = ParseAnyValue(attribute.value);
  char bytes[8];
  std::string_view input;
  switch (value.kind) {
    case Kind::kString:
      input = value.bytes;
      break;
    case Kind::kBool:
      bytes[0] = value.AsBool() ? 1 : 0;
      input = {bytes, 1};
      break;
    case Kind::kInt:
    case Kind::kDouble:
      std::memcpy(bytes, &value.bits, sizeof(bytes));
      input = {bytes, sizeof(bytes)};
      break;
    default:
      break;
  }
  if (input.empty()) {
    list.Set(attribute, Encoded(list, AnyValue::String("")));
    return;
  }
  const auto digest = Sha256(input);
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[64];
  for (std::size_t i = 0; i < digest.size(); ++i) {
    text[2 * i] = kDigits[digest[i] >> 4];
    text[2 * i + 1] = kDigits[digest[i] & 15];
  }
  list.Set(attribute, Encoded(list, AnyValue::String({text, sizeof(text)})));
}

template <class Change>
void ForSelected(const AttributeAction& action, AttributeList& list, Change change) {
  for (Attribute& attribute : list.all()) {
    if (attribute.removed) continue;
    const bool named = !action.key.empty() && attribute.key == action.key;
    if (named) change(attribute);
    // As in the Collector, an attribute that both select is hashed twice.
    if (!attribute.removed && action.pattern && action.pattern->Matches(attribute.key)) {
      change(attribute);
    }
  }
}

void Extract(const AttributeAction& action, AttributeList& list) {
  const Attribute* from = list.Find(action.key);
  if (from == nullptr || !action.pattern) return;
  const AnyValue value = ParseAnyValue(from->value);
  thread_local std::vector<std::string_view> groups;
  if (value.kind != Kind::kString || !action.pattern->Extract(value.bytes, groups)) return;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    list.Put(action.pattern->groups()[i], Encoded(list, AnyValue::String(groups[i])));
  }
}

// Go's strconv.ParseInt(text, 10, 64).
std::optional<std::int64_t> ToInt(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  return ParseInt(text);
}

// Go's int64(float64) on amd64: what does not fit becomes the smallest number.
std::int64_t Truncate(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

std::optional<AnyValue> ConvertToInt(const AnyValue& value) {
  switch (value.kind) {
    case Kind::kDouble:
      return AnyValue::Int(Truncate(value.AsDouble()));
    case Kind::kBool:
      return AnyValue::Int(value.AsBool() ? 1 : 0);
    case Kind::kString:
      if (const auto number = ToInt(value.bytes)) return AnyValue::Int(*number);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<AnyValue> ConvertToDouble(const AnyValue& value) {
  switch (value.kind) {
    case Kind::kInt:
      return AnyValue::Double(static_cast<double>(value.AsInt()));
    case Kind::kBool:
      return AnyValue::Double(value.AsBool() ? 1 : 0);
    case Kind::kString:
      if (const auto number = ParseGoDouble(value.bytes)) return AnyValue::Double(*number);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<AnyValue> ConvertToBool(const AnyValue& value) {
  switch (value.kind) {
    case Kind::kInt:
      return AnyValue::Bool(value.AsInt() != 0);
    case Kind::kDouble:
      return AnyValue::Bool(value.AsDouble() != 0);
    case Kind::kString:
      for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (value.bytes == yes) return AnyValue::Bool(true);
      }
      for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
        if (value.bytes == no) return AnyValue::Bool(false);
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

void Convert(const AttributeAction& action, AttributeList& list) {
  Attribute* attribute = list.Find(action.key);
  if (attribute == nullptr) return;
  const AnyValue value = ParseAnyValue(attribute->value);
  std::optional<AnyValue> converted;
  switch (action.converted_type) {
    case AttributeAction::Type::kString:
      if (value.kind != Kind::kString) {
        std::string text;
        AppendAsString(text, value);
        list.Set(*attribute, Encoded(list, AnyValue::String(text)));
      }
      return;
    case AttributeAction::Type::kInt:
      converted = ConvertToInt(value);
      break;
    case AttributeAction::Type::kDouble:
      converted = ConvertToDouble(value);
      break;
    case AttributeAction::Type::kBool:
      converted = ConvertToBool(value);
      break;
  }
  if (converted) list.Set(*attribute, Encoded(list, *converted));
}

}  // namespace

void ApplyActions(const std::vector<AttributeAction>& actions, const Metadata* metadata,
                  AttributeList& attributes) {
  for (const AttributeAction& action : actions) {
    switch (action.kind) {
      case AttributeAction::Kind::kInsert:
      case AttributeAction::Kind::kUpdate:
      case AttributeAction::Kind::kUpsert:
        Write(action, metadata, attributes);
        break;
      case AttributeAction::Kind::kDelete:
        ForSelected(action, attributes,
                    [&](Attribute& attribute) { attributes.Remove(attribute); });
        break;
      case AttributeAction::Kind::kHash:
        ForSelected(action, attributes, [&](Attribute& attribute) { Hash(attribute, attributes); });
        break;
      case AttributeAction::Kind::kExtract:
        Extract(action, attributes);
        break;
      case AttributeAction::Kind::kConvert:
        Convert(action, attributes);
        break;
    }
  }
}

}  // namespace wirespan::gateway
