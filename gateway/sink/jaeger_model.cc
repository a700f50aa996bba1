#include "gateway/sink/jaeger_model.h"

#include <algorithm>

#include "common/otlp/wire.h"
#include "gateway/sink/span_view.h"
#include "gateway/sink/value_text.h"

// The messages of jaeger.api_v2's model.proto, with the numbers of their fields:
//
//   PostSpansRequest  1 batch
//   Batch             1 spans*, 2 process
//   Span              1 trace_id, 2 span_id, 3 operation_name, 4 references*, 6 start_time,
//                     7 duration, 8 tags*, 9 logs*, 10 process
//   SpanRef           1 trace_id, 2 span_id, 3 ref_type (0 child of, 1 follows from)
//   Process           1 service_name, 2 tags*
//   Log               1 timestamp, 2 fields*
//   KeyValue          1 key, 2 type (0 text, 1 bool, 2 int, 3 double, 4 bytes), 3.. value by type
namespace wirespan::gateway {

namespace {

using otlp::Writer;

constexpr std::uint64_t kNsPerSecond = 1000000000;

void Tag(Writer& out, std::uint32_t number, std::string_view key, std::string_view text) {
  const Writer::Mark mark = out.Begin(number, 64);
  out.Bytes(1, key);
  out.Bytes(3, text);
  out.End(mark);
}

void Tag(Writer& out, std::uint32_t number, const AttributeView& attribute) {
  const PlainValue value = ReadValue(attribute.value);
  const Writer::Mark mark = out.Begin(number, 64);
  out.Bytes(1, attribute.key);
  switch (value.kind) {
    case PlainValue::Kind::kText:
      out.Bytes(3, value.text);
      break;
    case PlainValue::Kind::kBool:
      out.Varint(2, 1);
      out.Varint(4, value.boolean ? 1 : 0);
      break;
    case PlainValue::Kind::kInt:
      out.Varint(2, 2);
      out.Varint(5, static_cast<std::uint64_t>(value.integer));
      break;
    case PlainValue::Kind::kDouble:
      out.Varint(2, 3);
      out.Double(6, value.real);
      break;
    case PlainValue::Kind::kBytes:
      out.Varint(2, 4);
      out.Bytes(7, value.text);
      break;
  }
  out.End(mark);
}

void Flag(Writer& out, std::uint32_t number, std::string_view key) {
  const Writer::Mark mark = out.Begin(number, 32);
  out.Bytes(1, key);
  out.Varint(2, 1);
  out.Varint(4, 1);
  out.End(mark);
}

// google.protobuf.Timestamp and Duration alike.
void Seconds(Writer& out, std::uint32_t number, std::uint64_t ns) {
  const Writer::Mark mark = out.Begin(number, 12);
  out.Varint(1, ns / kNsPerSecond);
  out.Varint(2, ns % kNsPerSecond);
  out.End(mark);
}

void Reference(Writer& out, std::string_view trace_id, std::string_view span_id, bool follows) {
  const Writer::Mark mark = out.Begin(4, 32);
  out.Bytes(1, trace_id);
  out.Bytes(2, span_id);
  if (follows) out.Varint(3, 1);
  out.End(mark);
}

void Process(Writer& out, std::uint32_t number, const ResourceView& resource) {
  const Writer::Mark mark = out.Begin(number, 200);
  out.Bytes(1, ServiceName(resource));
  for (const AttributeView& attribute : resource.attributes) {
    if (attribute.key != "service.name") Tag(out, 2, attribute);
  }
  out.End(mark);
}

void Log(Writer& out, const EventView& event) {
  const Writer::Mark mark = out.Begin(9, 100);
  Seconds(out, 1, event.time_ns);
  const bool named = std::any_of(event.attributes.begin(), event.attributes.end(),
                                 [](const AttributeView& a) { return a.key == "event"; });
  if (!event.name.empty() && !named) Tag(out, 2, "event", event.name);
  for (const AttributeView& attribute : event.attributes) Tag(out, 2, attribute);
  out.End(mark);
}

std::string_view KindName(std::uint64_t kind) {
  constexpr std::string_view kNames[] = {"",       "internal", "server",
                                         "client", "producer", "consumer"};
  return kind < std::size(kNames) ? kNames[kind] : "";
}

void Span(Writer& out, const ResourceView* own, const ScopeView& scope, const SpanView& span) {
  const Writer::Mark mark = out.Begin(1, 600);
  out.Bytes(1, span.trace_id);
  out.Bytes(2, span.span_id);
  out.Bytes(3, span.name);
  if (!span.parent_id.empty()) Reference(out, span.trace_id, span.parent_id, false);
  for (const LinkView& link : span.links) Reference(out, link.trace_id, link.span_id, true);
  Seconds(out, 6, span.start_ns);
  Seconds(out, 7, span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0);
  for (const AttributeView& attribute : span.attributes) Tag(out, 8, attribute);
  if (const std::string_view kind = KindName(span.kind); !kind.empty()) {
    Tag(out, 8, "span.kind", kind);
  }
  if (!scope.name.empty()) Tag(out, 8, "otel.scope.name", scope.name);
  if (!scope.version.empty()) Tag(out, 8, "otel.scope.version", scope.version);
  if (!span.trace_state.empty()) Tag(out, 8, "w3c.tracestate", span.trace_state);
  if (span.status == 1) Tag(out, 8, "otel.status_code", "OK");
  if (span.status == 2) {
    Tag(out, 8, "otel.status_code", "ERROR");
    Flag(out, 8, "error");
  }
  if (!span.status_message.empty()) Tag(out, 8, "otel.status_description", span.status_message);
  for (const EventView& event : span.events) Log(out, event);
  if (own != nullptr) Process(out, 10, *own);
  out.End(mark);
}

}  // namespace

std::string JaegerRequest(std::string_view request) {
  std::size_t resources = 0;
  otlp::Reader top(request);
  for (otlp::Field field; top.Next(field);) {
    if (field.Is(1, otlp::WireType::kBytes)) ++resources;
  }
  Writer out;
  const Writer::Mark batch = out.Begin(1, request.size());
  bool described = false;
  ForEachSpan(request,
              [&](const ResourceView& resource, const ScopeView& scope, const SpanView& span) {
                if (!described) Process(out, 2, resource);
                described = true;
                Span(out, resources > 1 ? &resource : nullptr, scope, span);
              });
  out.End(batch);
  return out.Take();
}

}  // namespace wirespan::gateway
