#include "agent/export/encoder.h"

#include <algorithm>
#include <utility>

#include "agent/export/attribute_encoder.h"

namespace wirespan::exporting {
namespace {

using otlp::WireType;
using otlp::Writer;

constexpr std::string_view kSchemaUrl = "https://opentelemetry.io/schemas/1.44.0";
// Buffers of so many resources are kept for the next batch, unless one grew out of proportion.
constexpr std::size_t kKeptGroups = 16;
constexpr std::size_t kKeptBytes = 512u << 10;

template <std::size_t N>
std::string_view View(const std::array<std::uint8_t, N>& id) {
  return {reinterpret_cast<const char*>(id.data()), N};
}

template <std::size_t N>
bool IsZero(const std::array<std::uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

void WriteSpan(Writer& out, const span::Span& span) {
  const auto mark = out.Begin(2, 600);
  char* at = out.Reserve(64);
  *at++ = '\x0a';  // trace_id = 1
  *at++ = '\x10';
  at = Writer::PutRaw(at, View(span.trace_id));
  *at++ = '\x12';  // span_id = 2
  *at++ = '\x08';
  at = Writer::PutRaw(at, View(span.span_id));
  out.Commit(at);
  if (!span.trace_state.empty()) WriteText(out, 3, span.trace_state);
  if (!IsZero(span.parent_id)) out.Bytes(4, View(span.parent_id));
  WriteText(out, 5, span.name);
  at = out.Reserve(32);
  *at++ = '\x30';  // kind = 6
  *at++ = static_cast<char>(span.kind);
  *at++ = '\x39';  // start_time_unix_nano = 7
  at = Writer::PutFixed(at, span.start_ns);
  *at++ = '\x41';  // end_time_unix_nano = 8
  at = Writer::PutFixed(at, span.end_ns);
  out.Commit(at);
  for (const span::Attribute& attribute : span.attributes) WriteAttribute(out, 9, attribute);
  if (!span.status_message.empty()) {
    const auto status = out.Begin(15, span.status_message.size() + 8);
    WriteText(out, 2, span.status_message);
    out.Varint(3, static_cast<std::uint64_t>(span.status));
    out.End(status);
  } else if (span.status != span::Status::kUnset) {
    at = out.Reserve(4);
    *at++ = '\x7a';  // status = 15 { code = 3 }
    *at++ = '\x02';
    *at++ = '\x18';
    *at++ = static_cast<char>(span.status);
    out.Commit(at);
  }
  if (span.flags != 0) out.Fixed32(16, span.flags);
  out.End(mark);
}

void WriteExemplar(Writer& out, const metric::Exemplar& exemplar) {
  const auto mark = out.Begin(8);
  out.Fixed64(2, exemplar.time_ns);
  out.Double(3, exemplar.value);
  if (!IsZero(exemplar.span_id)) out.Bytes(4, View(exemplar.span_id));
  if (!IsZero(exemplar.trace_id)) out.Bytes(5, View(exemplar.trace_id));
  out.End(mark);
}

void WritePoint(Writer& out, const metric::HistogramPoint& point,
                const std::vector<double>& bounds) {
  const auto mark = out.Begin(1, 512);
  for (const span::Attribute& attribute : point.attributes) WriteAttribute(out, 9, attribute);
  out.Fixed64(2, point.start_ns);
  out.Fixed64(3, point.time_ns);
  out.Fixed64(4, point.count);
  out.Double(5, point.sum);
  const auto counts = out.Begin(6, 8 * point.bucket_counts.size());
  for (const std::uint64_t count : point.bucket_counts)
    out.Commit(Writer::PutFixed(out.Reserve(8), count));
  out.End(counts);
  const auto limits = out.Begin(7, 8 * bounds.size());
  for (const double bound : bounds) {
    out.Commit(Writer::PutFixed(out.Reserve(8), std::bit_cast<std::uint64_t>(bound)));
  }
  out.End(limits);
  for (const metric::Exemplar& exemplar : point.exemplars) WriteExemplar(out, exemplar);
  if (point.count > 0) {
    out.Double(11, point.min);
    out.Double(12, point.max);
  }
  out.End(mark);
}

void WriteMetric(Writer& out, const metric::HistogramMetric& metric) {
  constexpr std::uint64_t kCumulative = 2;
  const auto mark = out.Begin(2, 4096);
  WriteText(out, 1, metric.name);
  if (!metric.description.empty()) WriteText(out, 2, metric.description);
  if (!metric.unit.empty()) WriteText(out, 3, metric.unit);
  const auto histogram = out.Begin(9, 4096);
  for (const metric::HistogramPoint& point : metric.points) WritePoint(out, point, metric.bounds);
  out.Varint(2, kCumulative);
  out.End(histogram);
  // Metadata, which names no stream: a process may turn out to be instrumented at any time.
  if (metric.instrumented) WriteAttribute(out, 12, {"wirespan.instrumented", true});
  out.End(mark);
}

void WriteMetric(Writer& out, const metric::NumberMetric& metric) {
  constexpr std::uint64_t kCumulative = 2;
  const auto mark = out.Begin(2, 4096);
  WriteText(out, 1, metric.name);
  WriteText(out, 2, metric.description);
  WriteText(out, 3, metric.unit);
  const auto data = out.Begin(metric.counter ? 7 : 5, 4096);  // Sum, Gauge
  for (const metric::NumberPoint& point : metric.points) {
    const auto number = out.Begin(1, 256);
    if (metric.counter) out.Fixed64(2, metric.start_ns);
    out.Fixed64(3, metric.time_ns);
    out.Fixed64(6, static_cast<std::uint64_t>(point.value));
    for (const span::Attribute& attribute : point.attributes) WriteAttribute(out, 7, attribute);
    out.End(number);
  }
  if (metric.counter) {
    out.Varint(2, kCumulative);
    out.Varint(3, 1);  // is_monotonic
  }
  out.End(data);
  out.End(mark);
}

}  // namespace

otlp::Writer& SpanEncoder::SpansOf(const std::shared_ptr<const span::Resource>& resource) {
  if (used_ > 0 && groups_[last_].resource == resource) return groups_[last_].spans;
  const auto [found, added] = index_.try_emplace(resource.get(), used_);
  last_ = found->second;
  if (added) {
    if (used_ == groups_.size()) groups_.emplace_back();
    groups_[used_++].resource = resource;
    bytes_ += 512;
  }
  return groups_[last_].spans;
}

void SpanEncoder::Add(const span::Span& span) {
  Writer& out = SpansOf(span.resource);
  const std::size_t before = out.size();
  WriteSpan(out, span);
  bytes_ += out.size() - before;
  ++spans_;
}

std::string SpanEncoder::Take() {
  std::string request;
  request.reserve(bytes_ + 64);
  Writer head, scope, tail;
  WriteScope(scope);
  tail.Bytes(3, kSchemaUrl);
  for (std::size_t i = 0; i < used_; ++i) {
    Group& group = groups_[i];
    head.Clear();
    WriteResource(head, group.resource.get());
    const std::size_t scope_size = scope.size() + group.spans.size() + tail.size();
    const std::size_t resource_size =
        head.size() + 1 + otlp::VarintSize(scope_size) + scope_size + tail.size();
    otlp::AppendTag(request, 1, WireType::kBytes);
    otlp::AppendVarint(request, resource_size);
    request.append(head.view());
    otlp::AppendTag(request, 2, WireType::kBytes);
    otlp::AppendVarint(request, scope_size);
    request.append(scope.view()).append(group.spans.view()).append(tail.view());
    request.append(tail.view());
    group.resource.reset();
    group.spans.Clear();
    if (group.spans.capacity() > kKeptBytes) group.spans = Writer();
  }
  if (groups_.size() > kKeptGroups) groups_.resize(kKeptGroups);
  index_.clear();
  used_ = last_ = spans_ = bytes_ = 0;
  return request;
}

EncodedMetrics EncodeMetrics(const metric::Snapshot& snapshot) {
  EncodedMetrics encoded;
  Writer out;
  for (const metric::ResourceMetrics& resource : snapshot) {
    std::size_t points = 0;
    for (const metric::HistogramMetric& metric : resource.metrics) points += metric.points.size();
    for (const metric::NumberMetric& metric : resource.numbers) points += metric.points.size();
    if (points == 0) continue;
    encoded.points += points;
    const auto mark = out.Begin(1, 65536);
    WriteResource(out, resource.resource.get());
    const auto scope = out.Begin(2, 65536);
    WriteScope(out);
    for (const metric::HistogramMetric& metric : resource.metrics) {
      if (!metric.points.empty()) WriteMetric(out, metric);
    }
    for (const metric::NumberMetric& metric : resource.numbers) {
      if (!metric.points.empty()) WriteMetric(out, metric);
    }
    out.Bytes(3, kSchemaUrl);
    out.End(scope);
    out.Bytes(3, kSchemaUrl);
    out.End(mark);
  }
  encoded.request = out.Take();
  return encoded;
}

}  // namespace wirespan::exporting
