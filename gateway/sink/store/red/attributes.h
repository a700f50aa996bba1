#pragma once

#include <string_view>

#include "common/otlp/wire.h"
#include "gateway/pipeline/any_value.h"

namespace wirespan::gateway::store::red {

// Visits key and value of one KeyValue.
template <class Visit>
void ReadPair(std::string_view message, Visit&& visit) {
  std::string_view key;
  std::string_view value;
  otlp::Reader reader(message);
  for (otlp::Field field; reader.Next(field);) {
    if (field.Is(1, otlp::WireType::kBytes)) key = field.bytes;
    if (field.Is(2, otlp::WireType::kBytes)) value = field.bytes;
  }
  visit(key, ParseAnyValue(value));
}

// The text of a value that is one; else empty.
inline std::string_view Text(const AnyValue& value) {
  return value.kind == AnyValue::Kind::kString ? value.bytes : std::string_view();
}

inline std::uint64_t Port(const AnyValue& value) {
  return value.kind == AnyValue::Kind::kInt && value.bits <= 0xffff ? value.bits : 0;
}

}  // namespace wirespan::gateway::store::red
