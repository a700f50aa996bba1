#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wirespan::gateway {

// An attribute's value as it stands on the wire (opentelemetry.proto.common.v1.AnyValue); the views
// point into it.
struct AnyValue {
  enum class Kind : std::uint8_t { kEmpty, kString, kBool, kInt, kDouble, kArray, kMap, kBytes };

  Kind kind = Kind::kEmpty;
  std::string_view bytes{};  // kString, kBytes; kArray, kMap: the nested message
  std::uint64_t bits = 0;    // kBool, kInt, kDouble

  bool AsBool() const { return bits != 0; }
  std::int64_t AsInt() const { return static_cast<std::int64_t>(bits); }
  double AsDouble() const { return std::bit_cast<double>(bits); }

  static AnyValue String(std::string_view text) { return {Kind::kString, text, 0}; }
  static AnyValue Bool(bool value) { return {Kind::kBool, {}, value ? 1u : 0u}; }
  static AnyValue Int(std::int64_t value) {
    return {Kind::kInt, {}, static_cast<std::uint64_t>(value)};
  }
  static AnyValue Double(double value) {
    return {Kind::kDouble, {}, std::bit_cast<std::uint64_t>(value)};
  }
};

// What cannot be read, and kinds that nobody knows yet, are empty.
AnyValue ParseAnyValue(std::string_view message);
void AppendAnyValue(std::string& out, const AnyValue& value);

// The text that the Collector shows a value as (pdata's AsString): numbers in Go's notation, bytes
// in base64, arrays and maps as JSON with sorted keys.
void AppendAsString(std::string& out, const AnyValue& value);

// Go's strconv.ParseFloat, without hexadecimal digits: "+1.5", ".5", "1e3", "inf", "NaN".
std::optional<double> ParseGoDouble(std::string_view text);

// Equal in kind and content; of arrays and maps the bytes, of doubles the numbers.
bool operator==(const AnyValue& a, const AnyValue& b);

}  // namespace wirespan::gateway
