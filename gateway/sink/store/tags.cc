#include "gateway/sink/store/tags.h"

#include <iterator>

namespace wirespan::gateway::store {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

std::string_view KindName(std::uint64_t kind) {
  constexpr std::string_view kNames[] = {"",       "internal", "server",
                                         "client", "producer", "consumer"};
  return kind < std::size(kNames) ? kNames[kind] : "";
}

std::string_view TextOf(const AnyValue& value, std::string& scratch) {
  if (value.kind == AnyValue::Kind::kString) return value.bytes;
  scratch.clear();
  AppendAsString(scratch, value);
  return scratch;
}

void ForEachSpanTag(std::string_view span, const TagVisitor& visit) {
  ForEachAttribute(span, 9, visit);
  Reader reader(span);
  for (Field field; reader.Next(field);) {
    if (field.Is(6, WireType::kVarint)) {
      const std::string_view kind = KindName(field.value);
      if (!kind.empty()) visit("span.kind", AnyValue::String(kind));
    } else if (field.Is(3, WireType::kBytes) && !field.bytes.empty()) {
      visit("w3c.tracestate", AnyValue::String(field.bytes));
    } else if (field.Is(11, WireType::kBytes)) {
      ForEachAttribute(field.bytes, 3, visit);
    } else if (field.Is(15, WireType::kBytes)) {
      Reader status(field.bytes);
      for (Field part; status.Next(part);) {
        if (part.Is(2, WireType::kBytes) && !part.bytes.empty()) {
          visit("otel.status_description", AnyValue::String(part.bytes));
        }
        if (!part.Is(3, WireType::kVarint) || part.value == 0) continue;
        visit("otel.status_code", AnyValue::String(part.value == 2 ? "ERROR" : "OK"));
        if (part.value == 2) visit("error", AnyValue::Bool(true));
      }
    }
  }
}

void ForEachGroupTag(std::string_view resource, std::string_view scope, const TagVisitor& visit) {
  ForEachAttribute(resource, 1, visit);
  ForEachAttribute(scope, 3, visit);
  Reader reader(scope);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes) && !field.bytes.empty()) {
      visit("otel.scope.name", AnyValue::String(field.bytes));
    }
    if (field.Is(2, WireType::kBytes) && !field.bytes.empty()) {
      visit("otel.scope.version", AnyValue::String(field.bytes));
    }
  }
}

}  // namespace wirespan::gateway::store
