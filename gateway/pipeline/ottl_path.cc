#include "gateway/pipeline/ottl_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/base/strings.h"
#include "gateway/pipeline/match_properties.h"

namespace wirespan::gateway {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using How = OttlPath::How;
using Where = OttlPath::Where;

struct Row {
  std::string_view name;
  How how;
  std::uint32_t field;  // kPoint: a PointField
};

// Fields of data points have other numbers in each kind.
enum PointField : std::uint32_t { kStart, kTimeOf, kValueDouble, kValueInt, kFlags, kCount, kSum };

constexpr Row kResourceRows[] = {
    {"attributes", How::kAttributes, 1},
    {"dropped_attributes_count", How::kVarint, 2},
};
constexpr Row kScopeRows[] = {
    {"name", How::kText, 1},
    {"version", How::kText, 2},
    {"attributes", How::kAttributes, 3},
    {"dropped_attributes_count", How::kVarint, 4},
};
constexpr Row kSpanRows[] = {
    {"trace_id", How::kId16, 1},
    {"trace_id.string", How::kId16Text, 1},
    {"span_id", How::kId8, 2},
    {"span_id.string", How::kId8Text, 2},
    {"trace_state", How::kText, 3},
    {"parent_span_id", How::kId8, 4},
    {"parent_span_id.string", How::kId8Text, 4},
    {"name", How::kText, 5},
    {"kind", How::kVarint, 6},
    {"kind.string", How::kKindText, 6},
    {"kind.deprecated_string", How::kKindName, 6},
    {"start_time_unix_nano", How::kFixedInt, 7},
    {"end_time_unix_nano", How::kFixedInt, 8},
    {"start_time", How::kTime, 7},
    {"end_time", How::kTime, 8},
    {"attributes", How::kAttributes, 9},
    {"dropped_attributes_count", How::kVarint, 10},
    {"dropped_events_count", How::kVarint, 12},
    {"dropped_links_count", How::kVarint, 14},
    {"status.code", How::kStatusCode, 15},
    {"status.message", How::kStatusMessage, 15},
};
constexpr Row kEventRows[] = {
    {"time_unix_nano", How::kFixedInt, 1},
    {"time", How::kTime, 1},
    {"name", How::kText, 2},
    {"attributes", How::kAttributes, 3},
    {"dropped_attributes_count", How::kVarint, 4},
};
constexpr Row kMetricRows[] = {
    {"name", How::kText, 1},
    {"description", How::kText, 2},
    {"unit", How::kText, 3},
    {"type", How::kMetricType, 0},
    {"aggregation_temporality", How::kTemporality, 0},
    {"is_monotonic", How::kMonotonic, 0},
    {"metadata", How::kAttributes, 12},
};
constexpr Row kPointRows[] = {
    {"attributes", How::kPointAttributes, 0}, {"start_time_unix_nano", How::kPoint, kStart},
    {"time_unix_nano", How::kPoint, kTimeOf}, {"value_double", How::kPoint, kValueDouble},
    {"value_int", How::kPoint, kValueInt},    {"flags", How::kPoint, kFlags},
    {"count", How::kPoint, kCount},           {"sum", How::kPoint, kSum},
};
constexpr Row kLogRows[] = {
    {"time_unix_nano", How::kFixedInt, 1},
    {"time", How::kTime, 1},
    {"severity_number", How::kVarint, 2},
    {"severity_text", How::kText, 3},
    {"body", How::kAnyValue, 5},
    {"body.string", How::kAnyText, 5},
    {"attributes", How::kAttributes, 6},
    {"dropped_attributes_count", How::kVarint, 7},
    {"flags", How::kFixed32, 8},
    {"trace_id", How::kId16, 9},
    {"trace_id.string", How::kId16Text, 9},
    {"span_id", How::kId8, 10},
    {"span_id.string", How::kId8Text, 10},
    {"observed_time_unix_nano", How::kFixedInt, 11},
    {"observed_time", How::kTime, 11},
    {"event_name", How::kText, 12},
};

struct Section {
  std::string_view prefix;  // "": what the condition is about, without a name
  Where where;
  std::span<const Row> rows;
};

std::vector<Section> SectionsOf(OttlScope scope) {
  const Section resource{"resource", Where::kResource, kResourceRows};
  const Section library{"instrumentation_scope", Where::kScope, kScopeRows};
  const Section short_library{"scope", Where::kScope, kScopeRows};
  switch (scope) {
    case OttlScope::kResource:
      return {{"", Where::kResource, kResourceRows}, resource};
    case OttlScope::kSpan:
      return {{"", Where::kItem, kSpanRows},
              {"span", Where::kItem, kSpanRows},
              resource,
              library,
              short_library};
    case OttlScope::kSpanEvent:
      return {{"", Where::kEvent, kEventRows},
              {"spanevent", Where::kEvent, kEventRows},
              {"span", Where::kItem, kSpanRows},
              resource,
              library,
              short_library};
    case OttlScope::kMetric:
      return {{"", Where::kMetric, kMetricRows},
              {"metric", Where::kMetric, kMetricRows},
              resource,
              library,
              short_library};
    case OttlScope::kDataPoint:
      return {{"", Where::kItem, kPointRows},
              {"datapoint", Where::kItem, kPointRows},
              {"metric", Where::kMetric, kMetricRows},
              resource,
              library,
              short_library};
    case OttlScope::kLog:
      return {{"", Where::kItem, kLogRows},
              {"log", Where::kItem, kLogRows},
              resource,
              library,
              short_library};
  }
  return {};
}

std::string Full(const Section& section, const Row& row) {
  return section.prefix.empty() ? std::string(row.name)
                                : fmt::format("{}.{}", section.prefix, row.name);
}

bool TakesKeys(How how) {
  return how == How::kAttributes || how == How::kPointAttributes || how == How::kAnyValue;
}

IndexedMessage& MessageAt(OttlContext& context, Where where) {
  switch (where) {
    case Where::kResource:
      return context.resource;
    case Where::kScope:
      return context.scope;
    case Where::kMetric:
      return context.metric;
    case Where::kItem:
      return context.item;
    case Where::kEvent:
      break;
  }
  return context.event;
}

std::uint64_t NumberIn(IndexedMessage& message, std::uint32_t field, WireType type) {
  const Field* found = message.Find(field, type);
  return found == nullptr ? 0 : found->value;
}

std::string_view TextIn(IndexedMessage& message, std::uint32_t field) {
  const Field* found = message.Find(field, WireType::kBytes);
  return found == nullptr ? std::string_view{} : found->bytes;
}

// An id that is absent is one of zeros.
std::string_view IdIn(IndexedMessage& message, std::uint32_t field, std::size_t size) {
  static constexpr char kZeros[16] = {};
  const std::string_view id = TextIn(message, field);
  return id.empty() ? std::string_view(kZeros, size) : id;
}

// The one of a metric's data messages that is there: its field, 0 if there is none.
std::uint32_t DataField(IndexedMessage& metric) {
  for (const std::uint32_t field : {5u, 7u, 9u, 10u, 11u}) {
    if (metric.Find(field, WireType::kBytes) != nullptr) return field;
  }
  return 0;
}

std::uint64_t VarintInside(std::string_view message, std::uint32_t field) {
  std::uint64_t value = 0;
  Reader reader(message);
  for (Field each; reader.Next(each);) {
    if (each.Is(field, WireType::kVarint)) value = each.value;
  }
  return value;
}

OttlValue PointValue(OttlContext& context, std::uint32_t wanted) {
  IndexedMessage& point = context.item;
  const std::uint32_t kind = context.point_field;
  const bool number = kind == 5 || kind == 7;
  switch (wanted) {
    case kStart:
      return OttlValue::Int(static_cast<std::int64_t>(NumberIn(point, 2, WireType::kFixed64)));
    case kTimeOf:
      return OttlValue::Int(static_cast<std::int64_t>(NumberIn(point, 3, WireType::kFixed64)));
    case kValueDouble:
      if (!number) return OttlValue::Nil();
      return {OttlValue::Kind::kDouble, {}, NumberIn(point, 4, WireType::kFixed64)};
    case kValueInt:
      if (!number) return OttlValue::Nil();
      return OttlValue::Int(static_cast<std::int64_t>(NumberIn(point, 6, WireType::kFixed64)));
    case kFlags:
      return OttlValue::Int(static_cast<std::int64_t>(
          NumberIn(point, kind == 9 || kind == 10 ? 10 : 8, WireType::kVarint)));
    case kCount:
      if (number) return OttlValue::Nil();
      return OttlValue::Int(static_cast<std::int64_t>(NumberIn(point, 4, WireType::kFixed64)));
    case kSum:
      if (number) return OttlValue::Nil();
      return {OttlValue::Kind::kDouble, {}, NumberIn(point, 5, WireType::kFixed64)};
    default:
      return OttlValue::Nil();
  }
}

constexpr std::array<std::string_view, 6> kKinds = {"Unspecified", "Internal", "Server",
                                                    "Client",      "Producer", "Consumer"};

}  // namespace

OttlValue Index(const OttlValue& value, const OttlPath::Key& key) {
  if (const auto* name = std::get_if<std::string>(&key)) {
    if (value.kind != OttlValue::Kind::kMap) return OttlValue::Nil();
    IndexedMessage map;
    map.Set(value.bytes);
    return map.Attribute(static_cast<std::uint32_t>(value.bits), *name);
  }
  if (value.kind != OttlValue::Kind::kArray) return OttlValue::Nil();
  std::int64_t left = std::get<std::int64_t>(key);
  Reader reader(value.bytes);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes) && left-- == 0) {
      return OttlValue::From(ParseAnyValue(field.bytes));
    }
  }
  return OttlValue::Nil();
}

Result<OttlPath> OttlPath::Find(OttlScope scope, const std::vector<std::string>& names,
                                std::vector<Key> keys) {
  const std::string wanted = fmt::format("{}", fmt::join(names, "."));
  std::vector<std::string> known;
  for (const Section& section : SectionsOf(scope)) {
    for (const Row& row : section.rows) {
      known.push_back(Full(section, row));
      if (known.back() != wanted) continue;
      if (!keys.empty() && !TakesKeys(row.how)) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("{} has no keys", wanted));
      }
      OttlPath path;
      path.where_ = section.where;
      path.how_ = row.how;
      path.field_ = row.field;
      path.keys_ = std::move(keys);
      return path;
    }
  }
  if (wanted == "duration" && scope == OttlScope::kSpan) {
    return Fail(ErrorCode::kInvalidArgument,
                "there is no path duration: compare end_time_unix_nano - start_time_unix_nano with "
                "a number of nanoseconds, or end_time - start_time with Duration(\"1s\")");
  }
  std::string sentence = fmt::format("there is no path {}", wanted);
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  if (const auto near = Nearest(wanted, candidates)) {
    sentence += fmt::format(" (did you mean {}?)", *near);
  } else {
    std::vector<std::string> own;
    const std::span<const Row> rows = SectionsOf(scope).front().rows;
    for (const Row& row : rows) own.emplace_back(row.name);
    sentence += fmt::format(" (there are: {}, and resource, scope)", fmt::join(own, ", "));
  }
  return Fail(ErrorCode::kInvalidArgument, std::move(sentence));
}

std::vector<std::string> OttlPath::All(OttlScope scope) {
  std::vector<std::string> all;
  for (const Section& section : SectionsOf(scope)) {
    for (const Row& row : section.rows) all.push_back(Full(section, row));
  }
  std::sort(all.begin(), all.end());
  return all;
}

OttlValue OttlPath::Get(OttlContext& context) const {
  IndexedMessage& message = MessageAt(context, where_);
  const auto varint = [&] {
    return static_cast<std::int64_t>(NumberIn(message, field_, WireType::kVarint));
  };
  const auto from_key = [&](OttlValue value, std::size_t first) {
    for (std::size_t i = first; i < keys_.size(); ++i) value = Index(value, keys_[i]);
    return value;
  };
  switch (how_) {
    case How::kText:
      return OttlValue::String(TextIn(message, field_));
    case How::kVarint:
      return OttlValue::Int(varint());
    case How::kFixedInt:
      return OttlValue::Int(
          static_cast<std::int64_t>(NumberIn(message, field_, WireType::kFixed64)));
    case How::kFixed32:
      return OttlValue::Int(
          static_cast<std::int64_t>(NumberIn(message, field_, WireType::kFixed32)));
    case How::kTime:
      return OttlValue::Time(NumberIn(message, field_, WireType::kFixed64));
    case How::kId16:
      return OttlValue::Bytes(IdIn(message, field_, 16));
    case How::kId8:
      return OttlValue::Bytes(IdIn(message, field_, 8));
    case How::kId16Text:
      return OttlValue::String(context.arena.Keep(ToHex(IdIn(message, field_, 16))));
    case How::kId8Text:
      return OttlValue::String(context.arena.Keep(ToHex(IdIn(message, field_, 8))));
    case How::kKindText: {
      const auto kind = static_cast<std::uint64_t>(varint());
      return OttlValue::String(kind < kKinds.size() ? kKinds[kind] : std::string_view{});
    }
    case How::kKindName: {
      const auto kind = static_cast<std::uint64_t>(varint());
      if (kind >= kKinds.size()) return OttlValue::String("");
      return OttlValue::String(
          context.arena.Keep("SPAN_KIND_" + AsciiUpper(std::string(kKinds[kind]))));
    }
    case How::kAttributes:
    case How::kPointAttributes: {
      const std::uint32_t field =
          how_ == How::kAttributes ? field_
                                   : AttributesField(otlp::Signal::kMetrics, context.point_field);
      if (keys_.empty()) return {OttlValue::Kind::kMap, message.view(), field};
      const auto* name = std::get_if<std::string>(&keys_[0]);
      if (name == nullptr) return OttlValue::Nil();
      return from_key(message.Attribute(field, *name), 1);
    }
    case How::kAnyValue:
      return from_key(OttlValue::From(ParseAnyValue(TextIn(message, field_))), 0);
    case How::kAnyText: {
      std::string text;
      AppendAsString(text, ParseAnyValue(TextIn(message, field_)));
      return OttlValue::String(context.arena.Keep(text));
    }
    case How::kStatusCode:
      return OttlValue::Int(static_cast<std::int64_t>(VarintInside(TextIn(message, field_), 3)));
    case How::kStatusMessage: {
      IndexedMessage status;
      status.Set(TextIn(message, field_));
      return OttlValue::String(TextIn(status, 2));
    }
    case How::kMetricType: {
      const std::uint32_t field = DataField(message);
      return OttlValue::Int(field == 5    ? 1
                            : field == 7  ? 2
                            : field == 9  ? 3
                            : field == 10 ? 4
                            : field == 11 ? 5
                                          : 0);
    }
    case How::kTemporality: {
      const std::uint32_t field = DataField(message);
      if (field != 7 && field != 9 && field != 10) return OttlValue::Nil();
      return OttlValue::Int(static_cast<std::int64_t>(VarintInside(TextIn(message, field), 2)));
    }
    case How::kMonotonic: {
      if (DataField(message) != 7) return OttlValue::Nil();
      return OttlValue::Bool(VarintInside(TextIn(message, 7), 3) != 0);
    }
    case How::kPoint:
      return PointValue(context, field_);
  }
  return OttlValue::Nil();
}

}  // namespace wirespan::gateway
