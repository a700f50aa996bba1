#include "gateway/pipeline/any_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/otlp/walk.h"
#include "common/otlp/wire.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

// As Go's encoding/json writes numbers: shortest digits, exponents only below 1e-6 and from 1e21
// on.
void AppendNumber(std::string& out, double value) {
  const double size = std::abs(value);
  const bool exponential = size != 0 && (size < 1e-6 || size >= 1e21);
  char digits[64];
  const auto written =
      std::to_chars(digits, digits + sizeof(digits), value,
                    exponential ? std::chars_format::scientific : std::chars_format::fixed);
  std::string_view text(digits, static_cast<std::size_t>(written.ptr - digits));
  // "1e-07": Go has no zero in front of the exponent's only digit.
  const std::size_t e = text.find('e');
  if (e != std::string_view::npos && text.size() > e + 2 && text[e + 2] == '0') {
    out += text.substr(0, e + 2);
    text.remove_prefix(e + 3);
  }
  out += text;
}

// Go's encoding/json: control characters, <, > and & as \u00XX; U+2028 and U+2029 too.
void AppendJsonText(std::string& out, std::string_view text) {
  out += '"';
  const std::string valid = IsUtf8(text) ? std::string(text) : ToUtf8(text);
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const char c = valid[i];
    const std::string_view rest = std::string_view(valid).substr(i);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
      out += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendJson(std::string& out, const AnyValue& value, int depth);

void AppendJsonMap(std::string& out, std::string_view list, int depth) {
  std::vector<std::pair<std::string_view, AnyValue>> entries;
  Reader reader(list);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    std::pair<std::string_view, AnyValue> entry;
    Reader pair(field.bytes);
    for (Field each; pair.Next(each);) {
      if (each.Is(1, WireType::kBytes)) entry.first = each.bytes;
      if (each.Is(2, WireType::kBytes)) entry.second = ParseAnyValue(each.bytes);
    }
    entries.push_back(entry);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    // Of equal keys the last one stays, as in a Go map.
    if (i + 1 < entries.size() && entries[i + 1].first == entries[i].first) continue;
    if (!std::exchange(first, false)) out += ',';
    AppendJsonText(out, entries[i].first);
    out += ':';
    AppendJson(out, entries[i].second, depth + 1);
  }
  out += '}';
}

void AppendJson(std::string& out, const AnyValue& value, int depth) {
  using Kind = AnyValue::Kind;
  if (depth > otlp::kMaxValueDepth) {
    out += "null";
    return;
  }
  switch (value.kind) {
    case Kind::kEmpty:
      out += "null";
      break;
    case Kind::kString:
      AppendJsonText(out, value.bytes);
      break;
    case Kind::kBytes:
      AppendJsonText(out, Base64(value.bytes));
      break;
    case Kind::kArray: {
      out += '[';
      bool first = true;
      Reader reader(value.bytes);
      for (Field field; reader.Next(field);) {
        if (!field.Is(1, WireType::kBytes)) continue;
        if (!std::exchange(first, false)) out += ',';
        AppendJson(out, ParseAnyValue(field.bytes), depth + 1);
      }
      out += ']';
      break;
    }
    case Kind::kMap:
      AppendJsonMap(out, value.bytes, depth);
      break;
    default:
      AppendAsString(out, value);
  }
}

}  // namespace

AnyValue ParseAnyValue(std::string_view message) {
  using Kind = AnyValue::Kind;
  AnyValue value;
  Reader reader(message);
  for (Field field; reader.Next(field);) {  // of a oneof the last one counts
    switch (field.number) {
      case 1:
        if (field.type == WireType::kBytes) value = {Kind::kString, field.bytes, 0};
        break;
      case 2:
        if (field.type == WireType::kVarint) value = AnyValue::Bool(field.value != 0);
        break;
      case 3:
        if (field.type == WireType::kVarint) value = {Kind::kInt, {}, field.value};
        break;
      case 4:
        if (field.type == WireType::kFixed64) value = {Kind::kDouble, {}, field.value};
        break;
      case 5:
        if (field.type == WireType::kBytes) value = {Kind::kArray, field.bytes, 0};
        break;
      case 6:
        if (field.type == WireType::kBytes) value = {Kind::kMap, field.bytes, 0};
        break;
      case 7:
        if (field.type == WireType::kBytes) value = {Kind::kBytes, field.bytes, 0};
        break;
      default:
        break;
    }
  }
  return reader.ok() ? value : AnyValue{};
}

void AppendAnyValue(std::string& out, const AnyValue& value) {
  using Kind = AnyValue::Kind;
  switch (value.kind) {
    case Kind::kEmpty:
      break;
    case Kind::kString:
      otlp::AppendBytesField(out, 1, value.bytes);
      break;
    case Kind::kBool:
      otlp::AppendVarintField(out, 2, value.bits);
      break;
    case Kind::kInt:
      otlp::AppendVarintField(out, 3, value.bits);
      break;
    case Kind::kDouble:
      otlp::AppendFixed64Field(out, 4, value.bits);
      break;
    case Kind::kArray:
      otlp::AppendBytesField(out, 5, value.bytes);
      break;
    case Kind::kMap:
      otlp::AppendBytesField(out, 6, value.bytes);
      break;
    case Kind::kBytes:
      otlp::AppendBytesField(out, 7, value.bytes);
      break;
  }
}

void AppendAsString(std::string& out, const AnyValue& value) {
  using Kind = AnyValue::Kind;
  switch (value.kind) {
    case Kind::kEmpty:
      break;
    case Kind::kString:
      out += value.bytes;
      break;
    case Kind::kBool:
      out += value.AsBool() ? "true" : "false";
      break;
    case Kind::kInt:
      fmt::format_to(std::back_inserter(out), "{}", value.AsInt());
      break;
    case Kind::kDouble: {
      const double number = value.AsDouble();
      if (std::isfinite(number)) {
        AppendNumber(out, number);
      } else {
        out += "json: unsupported value: ";
        out += std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
      }
      break;
    }
    case Kind::kBytes:
      out += Base64(value.bytes);
      break;
    case Kind::kArray:
    case Kind::kMap:
      AppendJson(out, value, 0);
  }
}

std::optional<double> ParseGoDouble(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+') || digits.starts_with('-')) digits.remove_prefix(1);
  if (EqualsIgnoreCase(digits, "inf") || EqualsIgnoreCase(digits, "infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return text.front() == '-' ? -infinity : infinity;
  }
  if (EqualsIgnoreCase(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
    return std::nullopt;
  }
  const auto value = ParseDouble(digits);
  if (!value) return std::nullopt;
  return text.front() == '-' ? -*value : *value;
}

bool operator==(const AnyValue& a, const AnyValue& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == AnyValue::Kind::kDouble) return a.AsDouble() == b.AsDouble();
  return a.bits == b.bits && a.bytes == b.bytes;
}

}  // namespace wirespan::gateway
