#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// AnyValue for backends that know fewer kinds of values: OpenTelemetry's "mapping to non-OTLP"
// rules.
namespace wirespan::gateway {

struct PlainValue {
  enum class Kind : std::uint8_t { kText, kBool, kInt, kDouble, kBytes };
  Kind kind = Kind::kText;
  std::string text{};  // kText, kBytes; an array or a map as JSON
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
};
PlainValue ReadValue(std::string_view any_value);

// Any value as text: numbers as JSON writes them, bytes in base64.
std::string ValueText(std::string_view any_value);

std::string ToHex(std::string_view bytes);  // lower case

}  // namespace wirespan::gateway
