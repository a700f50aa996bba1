#include "gateway/sink/value_text.h"

#include <fmt/format.h>

#include <cmath>

#include "common/otlp/json_text.h"
#include "common/otlp/walk.h"
#include "common/otlp/wire.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u;
    };
    const std::uint32_t bits = at(0) << 16 | at(1) << 8 | at(2);
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kAlphabet[(bits >> (18 - 6 * k)) & 63];
    }
  }
  return out;
}

std::string DoubleText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

void AppendJson(std::string& out, std::string_view any_value, int depth);

void AppendJsonList(std::string& out, std::string_view array, int depth) {
  out += '[';
  Reader reader(array);
  bool first = true;
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    if (!first) out += ',';
    first = false;
    AppendJson(out, field.bytes, depth + 1);
  }
  out += ']';
}

void AppendJsonMap(std::string& out, std::string_view list, int depth) {
  out += '{';
  Reader reader(list);
  bool first = true;
  for (Field pair; reader.Next(pair);) {
    if (!pair.Is(1, WireType::kBytes)) continue;
    std::string_view key, value;
    Reader inner(pair.bytes);
    for (Field field; inner.Next(field);) {
      if (field.Is(1, WireType::kBytes)) key = field.bytes;
      if (field.Is(2, WireType::kBytes)) value = field.bytes;
    }
    if (!first) out += ',';
    first = false;
    otlp::AppendJsonString(out, key);
    out += ':';
    AppendJson(out, value, depth + 1);
  }
  out += '}';
}

void AppendJson(std::string& out, std::string_view any_value, int depth) {
  if (depth > otlp::kMaxValueDepth) {
    out += "null";
    return;
  }
  Field last;
  bool any = false;
  Reader reader(any_value);
  for (Field field; reader.Next(field);) {
    last = field;
    any = true;
  }
  if (!any) {
    out += "null";
  } else if (last.Is(1, WireType::kBytes)) {
    otlp::AppendJsonString(out, last.bytes);
  } else if (last.Is(2, WireType::kVarint)) {
    out += last.value != 0 ? "true" : "false";
  } else if (last.Is(3, WireType::kVarint)) {
    out += std::to_string(static_cast<std::int64_t>(last.value));
  } else if (last.Is(4, WireType::kFixed64)) {
    const double value = last.AsDouble();
    if (std::isfinite(value)) {
      out += DoubleText(value);
    } else {
      otlp::AppendJsonString(out, DoubleText(value));
    }
  } else if (last.Is(5, WireType::kBytes)) {
    AppendJsonList(out, last.bytes, depth);
  } else if (last.Is(6, WireType::kBytes)) {
    AppendJsonMap(out, last.bytes, depth);
  } else if (last.Is(7, WireType::kBytes)) {
    otlp::AppendJsonString(out, Base64(last.bytes));
  } else {
    out += "null";
  }
}

}  // namespace

PlainValue ReadValue(std::string_view any_value) {
  PlainValue value;
  Reader reader(any_value);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) {
      value.kind = PlainValue::Kind::kText;
      value.text = field.bytes;
    } else if (field.Is(2, WireType::kVarint)) {
      value.kind = PlainValue::Kind::kBool;
      value.boolean = field.value != 0;
    } else if (field.Is(3, WireType::kVarint)) {
      value.kind = PlainValue::Kind::kInt;
      value.integer = static_cast<std::int64_t>(field.value);
    } else if (field.Is(4, WireType::kFixed64)) {
      value.kind = PlainValue::Kind::kDouble;
      value.real = field.AsDouble();
    } else if (field.Is(5, WireType::kBytes) || field.Is(6, WireType::kBytes)) {
      value.kind = PlainValue::Kind::kText;
      value.text.clear();
      AppendJson(value.text, any_value, 0);
    } else if (field.Is(7, WireType::kBytes)) {
      value.kind = PlainValue::Kind::kBytes;
      value.text = field.bytes;
    }
  }
  return value;
}

std::string ValueText(std::string_view any_value) {
  const PlainValue value = ReadValue(any_value);
  switch (value.kind) {
    case PlainValue::Kind::kText:
      return value.text;
    case PlainValue::Kind::kBool:
      return value.boolean ? "true" : "false";
    case PlainValue::Kind::kInt:
      return std::to_string(value.integer);
    case PlainValue::Kind::kDouble:
      return DoubleText(value.real);
    case PlainValue::Kind::kBytes:
      return Base64(value.text);
  }
  return {};
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace wirespan::gateway
