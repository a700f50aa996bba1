#pragma once

#include <functional>
#include <string_view>

#include "common/otlp/wire.h"
#include "gateway/pipeline/any_value.h"

// The tags of a span that a search may name, as Jaeger's own backends see them: the attributes of
// the span, its events, its scope and its resource, and a few that stand for OTLP's own fields.
// Index and search both go through here, so what is found by one is found by the other.
namespace wirespan::gateway::store {

// Visits key and value (AnyValue, not parsed) of the attributes in a message's field `number`.
template <class Visit>
void ForEachAttribute(std::string_view message, std::uint32_t number, Visit&& visit) {
  otlp::Reader reader(message);
  for (otlp::Field field; reader.Next(field);) {
    if (!field.Is(number, otlp::WireType::kBytes)) continue;
    std::string_view key;
    std::string_view value;
    otlp::Reader pair(field.bytes);
    for (otlp::Field part; pair.Next(part);) {
      if (part.Is(1, otlp::WireType::kBytes)) key = part.bytes;
      if (part.Is(2, otlp::WireType::kBytes)) value = part.bytes;
    }
    visit(key, ParseAnyValue(value));
  }
}

using TagVisitor = std::function<void(std::string_view key, const AnyValue& value)>;

void ForEachSpanTag(std::string_view span, const TagVisitor& visit);
// `resource` is the Resource, `scope` the InstrumentationScope.
void ForEachGroupTag(std::string_view resource, std::string_view scope, const TagVisitor& visit);

// "server" of SPAN_KIND_SERVER; empty if unspecified or unknown.
std::string_view KindName(std::uint64_t kind);

// The text that a search compares: AnyValue as the Collector's AsString shows it.
std::string_view TextOf(const AnyValue& value, std::string& scratch);

}  // namespace wirespan::gateway::store
