#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/pipeline/any_value.h"

namespace wirespan::gateway {

// A value of the OpenTelemetry Transformation Language. Views point into the item, the condition or
// the context's arena.
struct OttlValue {
  enum class Kind : std::uint8_t {
    kNil,
    kBool,
    kInt,
    kDouble,
    kString,
    kBytes,
    kArray,     // an ArrayValue message
    kMap,       // the KeyValues in field `bits` of a message
    kTime,      // ns since 1970
    kDuration,  // ns
  };

  Kind kind = Kind::kNil;
  std::string_view bytes{};
  std::uint64_t bits = 0;

  bool AsBool() const { return bits != 0; }
  std::int64_t AsInt() const { return static_cast<std::int64_t>(bits); }
  double AsDouble() const { return std::bit_cast<double>(bits); }
  bool is_number() const { return kind == Kind::kInt || kind == Kind::kDouble; }
  double AsNumber() const { return kind == Kind::kInt ? static_cast<double>(AsInt()) : AsDouble(); }

  static OttlValue Nil() { return {}; }
  static OttlValue Bool(bool value) { return {Kind::kBool, {}, value ? 1u : 0u}; }
  static OttlValue Int(std::int64_t value) {
    return {Kind::kInt, {}, static_cast<std::uint64_t>(value)};
  }
  static OttlValue Double(double value) {
    return {Kind::kDouble, {}, std::bit_cast<std::uint64_t>(value)};
  }
  static OttlValue String(std::string_view text) { return {Kind::kString, text, 0}; }
  static OttlValue Bytes(std::string_view bytes) { return {Kind::kBytes, bytes, 0}; }
  static OttlValue Time(std::uint64_t ns) { return {Kind::kTime, {}, ns}; }
  static OttlValue Duration(std::int64_t ns) {
    return {Kind::kDuration, {}, static_cast<std::uint64_t>(ns)};
  }
  static OttlValue From(const AnyValue& value);
};

std::string_view KindName(OttlValue::Kind kind);  // "a string", for messages

enum class OttlOrder : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual
};

// OTTL's comparison rules: numbers by value, others only with their own kind; kinds that can't be
// compared are not equal, and neither less nor greater.
bool Compare(const OttlValue& left, OttlOrder order, const OttlValue& right);

// The text of what is like a text (StringLike): all but nil. False: nil.
bool AppendText(std::string& out, const OttlValue& value);

}  // namespace wirespan::gateway
