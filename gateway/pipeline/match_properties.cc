#include "gateway/pipeline/match_properties.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/pipeline/any_value.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;

// The last field of this number, as protobuf reads it.
std::string_view BytesOf(std::string_view message, std::uint32_t number) {
  std::string_view found;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, WireType::kBytes)) found = field.bytes;
  }
  return found;
}
std::uint64_t VarintOf(std::string_view message, std::uint32_t number) {
  std::uint64_t found = 0;
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, WireType::kVarint)) found = field.value;
  }
  return found;
}

std::optional<AnyValue> AttributeOf(std::string_view message, std::uint32_t number,
                                    std::string_view key) {
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (!field.Is(number, WireType::kBytes)) continue;
    if (BytesOf(field.bytes, 1) == key) return ParseAnyValue(BytesOf(field.bytes, 2));
  }
  return std::nullopt;
}

bool MatchesAttributes(const std::vector<MatchProperties::Attribute>& wanted,
                       std::string_view message, std::uint32_t number) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& each) {
    const auto value = AttributeOf(message, number, each.key);
    if (!value) return false;
    if (each.value) return *value == ParseAnyValue(*each.value);
    if (!each.pattern) return true;
    using Kind = AnyValue::Kind;
    switch (value->kind) {
      case Kind::kString:
        return each.pattern->Matches(value->bytes);
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kDouble: {
        std::string text;
        AppendAsString(text, *value);
        return each.pattern->Matches(text);
      }
      default:
        return false;
    }
  });
}

std::string_view KindName(std::uint64_t kind) {
  constexpr std::array<std::string_view, 6> kNames = {
      "",  // unspecified
      "SPAN_KIND_INTERNAL",
      "SPAN_KIND_SERVER",
      "SPAN_KIND_CLIENT",
      "SPAN_KIND_PRODUCER",
      "SPAN_KIND_CONSUMER",
  };
  return kind < kNames.size() ? kNames[kind] : std::string_view{};
}

bool MatchesLog(const MatchProperties& match, std::string_view record) {
  if (match.log_bodies) {
    const AnyValue body = ParseAnyValue(BytesOf(record, 5));
    if (body.kind == AnyValue::Kind::kString && !match.log_bodies->Matches(body.bytes)) {
      return false;
    }
  }
  if (match.log_severity_texts && !match.log_severity_texts->Matches(BytesOf(record, 3))) {
    return false;
  }
  if (match.log_severity_number) {
    const auto severity = static_cast<std::int64_t>(VarintOf(record, 2));
    if (severity == 0) return match.log_severity_number->match_undefined;
    if (severity < match.log_severity_number->min) return false;
  }
  return true;
}

}  // namespace

Result<TextSet> TextSet::Create(bool regexp, std::vector<std::string> texts) {
  TextSet set;
  if (!regexp) {
    set.texts_ = std::move(texts);
    return set;
  }
  for (const std::string& text : texts) {
    auto pattern = Pattern::Compile(text);
    if (!pattern) return tl::unexpected(pattern.error());
    set.patterns_.push_back(std::move(*pattern));
  }
  return set;
}

bool TextSet::Matches(std::string_view text) const {
  return std::find(texts_.begin(), texts_.end(), text) != texts_.end() ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return pattern.Matches(text); });
}

bool MatchesResource(const MatchProperties& match, std::string_view resource) {
  if (match.services) {
    std::string name = "<nil-service-name>";  // the Collector's word for a resource without one
    if (const auto value = AttributeOf(resource, 1, "service.name")) {
      name.clear();
      AppendAsString(name, *value);
    }
    if (!match.services->Matches(name)) return false;
  }
  return MatchesAttributes(match.resources, resource, 1);
}

bool MatchesItem(const MatchProperties& match, otlp::Signal signal, const otlp::Place& place,
                 std::string_view item, std::uint32_t attributes_field) {
  switch (signal) {
    case otlp::Signal::kTraces:
      if (match.span_names && !match.span_names->Matches(BytesOf(item, 5))) return false;
      if (match.span_kinds && !match.span_kinds->Matches(KindName(VarintOf(item, 6)))) return false;
      break;
    case otlp::Signal::kLogs:
      if (!MatchesLog(match, item)) return false;
      break;
    case otlp::Signal::kMetrics:
      if (match.metric_names && !match.metric_names->Matches(BytesOf(place.metric, 1))) {
        return false;
      }
      break;
    case otlp::Signal::kProfiles:
      break;
  }
  for (const MatchProperties::Library& library : match.libraries) {
    if (!library.name.Matches(BytesOf(place.scope, 1))) return false;
    if (library.version && !library.version->Matches(BytesOf(place.scope, 2))) return false;
  }
  return MatchesAttributes(match.attributes, item, attributes_field);
}

std::uint32_t AttributesField(otlp::Signal signal, std::uint32_t point_field) {
  switch (signal) {
    case otlp::Signal::kTraces:
      return 9;
    case otlp::Signal::kLogs:
      return 6;
    case otlp::Signal::kMetrics:
    case otlp::Signal::kProfiles:
      break;
  }
  return point_field == 9 ? 9 : point_field == 10 ? 1 : 7;
}

}  // namespace wirespan::gateway
