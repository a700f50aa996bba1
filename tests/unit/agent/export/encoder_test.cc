#include "agent/export/encoder.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "common/base/version.h"
#include "common/otlp/walk.h"
#include "tests/unit/agent/export/sample_spans.h"

namespace wirespan::exporting {
namespace {

namespace collector = opentelemetry::proto::collector;
using TraceRequest = collector::trace::v1::ExportTraceServiceRequest;
using MetricRequest = collector::metrics::v1::ExportMetricsServiceRequest;
using opentelemetry::proto::common::v1::AnyValue;

TraceRequest Parse(const std::string& bytes) {
  TraceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  // Shortest form, ascending where it matters: protobuf writes the same number of bytes.
  EXPECT_EQ(request.ByteSizeLong(), bytes.size());
  return request;
}

template <class List>
const AnyValue* Find(const List& attributes, std::string_view key) {
  for (const auto& attribute : attributes) {
    if (attribute.key() == key) return &attribute.value();
  }
  return nullptr;
}

template <class Id>
std::string Text(const Id& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

TEST(SpanEncoderTest, EveryFieldArrives) {
  auto with_list = std::make_shared<span::Resource>(*SampleResource("shop"));
  with_list->attributes.emplace_back("list", std::vector<std::string>{"a", ""});
  span::Span span = SampleSpan(with_list);
  span.kind = span::Kind::kClient;
  span.status = span::Status::kError;
  span.status_message = "no such cart \xff";
  span.attributes.push_back({"flag", true});
  span.attributes.push_back({"off", false});
  span.attributes.push_back({"real", 0.25});
  span.attributes.push_back({"negative", std::int64_t{-7}});
  span.attributes.push_back({"empty", ""});
  SpanEncoder encoder;
  encoder.Add(span);
  EXPECT_EQ(encoder.spans(), 1u);
  const TraceRequest request = Parse(encoder.Take());
  EXPECT_EQ(encoder.spans(), 0u);

  ASSERT_EQ(request.resource_spans_size(), 1);
  const auto& resource_spans = request.resource_spans(0);
  const auto& resource = resource_spans.resource().attributes();
  EXPECT_EQ(Find(resource, "service.name")->string_value(), "shop");
  EXPECT_EQ(Find(resource, "host.name")->string_value(), "node-1");
  EXPECT_EQ(Find(resource, "process.pid")->int_value(), 4711);
  EXPECT_EQ(Find(resource, "process.command_args")->array_value().values(2).string_value(),
            "daemon off;");
  EXPECT_EQ(Find(resource, "list")->array_value().values_size(), 2);
  EXPECT_TRUE(Find(resource, "list")->array_value().values(1).has_string_value());
  const auto& scope = resource_spans.scope_spans(0);
  EXPECT_EQ(scope.scope().name(), "wirespan-agent");
  EXPECT_EQ(scope.scope().version(), kVersion);
  EXPECT_FALSE(scope.schema_url().empty());
  EXPECT_EQ(scope.schema_url(), resource_spans.schema_url());

  const auto& out = scope.spans(0);
  EXPECT_EQ(out.trace_id(), Text(span.trace_id));
  EXPECT_EQ(out.span_id(), Text(span.span_id));
  EXPECT_EQ(out.parent_span_id(), Text(span.parent_id));
  EXPECT_EQ(out.trace_state(), "vendor=1");
  EXPECT_EQ(out.name(), "GET /users/{id}");
  EXPECT_EQ(out.kind(), 3);
  EXPECT_EQ(out.start_time_unix_nano(), span.start_ns);
  EXPECT_EQ(out.end_time_unix_nano(), span.end_ns);
  EXPECT_EQ(out.status().code(), 2);
  EXPECT_EQ(out.status().message(), "no such cart \xef\xbf\xbd");
  EXPECT_EQ(out.flags(), 1u);
  ASSERT_EQ(out.attributes_size(), static_cast<int>(span.attributes.size()));
  for (std::size_t i = 0; i < span.attributes.size(); ++i) {
    EXPECT_EQ(out.attributes(static_cast<int>(i)).key(), span.attributes[i].key);
  }
  EXPECT_EQ(Find(out.attributes(), "http.request.method")->string_value(), "GET");
  EXPECT_EQ(Find(out.attributes(), "http.response.status_code")->int_value(), 200);
  EXPECT_TRUE(Find(out.attributes(), "flag")->bool_value());
  EXPECT_TRUE(Find(out.attributes(), "off")->has_bool_value());
  EXPECT_EQ(Find(out.attributes(), "real")->double_value(), 0.25);
  EXPECT_EQ(Find(out.attributes(), "negative")->int_value(), -7);
  EXPECT_TRUE(Find(out.attributes(), "empty")->has_string_value());
}

TEST(SpanEncoderTest, WhatIsNotSetIsNotWritten) {
  span::Span span;
  span.trace_id.fill(1);
  span.span_id.fill(2);
  span.flags = 0;
  span.name = "GET";
  span.start_ns = span.end_ns = 7;
  SpanEncoder encoder;
  encoder.Add(span);
  const TraceRequest request = Parse(encoder.Take());
  const auto& out = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(out.parent_span_id(), "");
  EXPECT_FALSE(out.has_status());
  EXPECT_EQ(out.flags(), 0u);
}

TEST(SpanEncoderTest, SpansAreGroupedByResourceInOrder) {
  SpanEncoder encoder;
  const auto a = SampleResource("a"), b = SampleResource("b");
  for (int round = 0; round < 3; ++round) {  // buffers are reused
    for (std::uint8_t i = 1; i <= 100; ++i) encoder.Add(SampleSpan(i % 3 == 0 ? b : a, i));
    const std::size_t estimate = encoder.bytes();
    const std::string bytes = encoder.Take();
    EXPECT_NEAR(static_cast<double>(estimate), static_cast<double>(bytes.size()), 1024);
    const TraceRequest request = Parse(bytes);
    ASSERT_EQ(request.resource_spans_size(), 2);
    EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans_size(), 67);
    EXPECT_EQ(request.resource_spans(1).scope_spans(0).spans_size(), 33);
    EXPECT_EQ(
        Find(request.resource_spans(1).resource().attributes(), "service.name")->string_value(),
        "b");
    std::uint64_t last = 0;
    for (const auto& span : request.resource_spans(0).scope_spans(0).spans()) {
      EXPECT_GT(span.start_time_unix_nano(), last);
      last = span.start_time_unix_nano();
    }
    EXPECT_TRUE(otlp::Walk(otlp::Signal::kTraces, bytes, otlp::WalkDepth::kAll).ok);
  }
}

TEST(SpanEncoderTest, TextThatIsNotUtf8IsRepaired) {
  span::Span span = SampleSpan(SampleResource("sh\xffop"));
  span.name = "GET \xc3";
  span.attributes.push_back({"odd", std::string("a\xfe")});
  span.attributes.push_back({"fine", std::string("\xc3\xa4")});
  SpanEncoder encoder;
  encoder.Add(span);
  const TraceRequest request = Parse(encoder.Take());
  const auto& out = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(out.name(), "GET \xef\xbf\xbd");
  EXPECT_EQ(Find(out.attributes(), "odd")->string_value(), "a\xef\xbf\xbd");
  EXPECT_EQ(Find(out.attributes(), "fine")->string_value(), "\xc3\xa4");
}

TEST(SpanEncoderTest, LargeValuesAndManyResources) {
  SpanEncoder encoder;
  for (int i = 0; i < 100; ++i) {
    span::Span span = SampleSpan(SampleResource("service-" + std::to_string(i)));
    span.attributes.push_back({"big", std::string(20000, 'x')});
    encoder.Add(span);
  }
  const TraceRequest request = Parse(encoder.Take());
  EXPECT_EQ(request.resource_spans_size(), 100);
  EXPECT_EQ(encoder.bytes(), 0u);
}

TEST(MetricEncoderTest, HistogramsAreCumulativeWithExemplars) {
  metric::Exemplar exemplar{0.3, 1'700'000'000'000'000'005, {}, {}};
  exemplar.trace_id.fill(0xab);
  exemplar.span_id.fill(0xcd);
  metric::HistogramPoint point;
  point.attributes = {{"http.request.method", "GET"},
                      {"http.response.status_code", std::int64_t{200}}};
  point.start_ns = 1'700'000'000'000'000'000;
  point.time_ns = 1'700'000'060'000'000'000;
  point.count = 4;
  point.sum = 1.5;
  point.min = 0.1;
  point.max = 0.9;
  point.bucket_counts = {1, 2, 1};
  point.exemplars = {exemplar};
  metric::HistogramMetric metric{"http.server.request.duration",
                                 "s",
                                 "Duration of HTTP server requests.",
                                 {0.2, 0.5},
                                 {point}};
  metric::HistogramMetric none{"nothing", "s", "", {}, {}};
  const metric::Snapshot snapshot = {{SampleResource("shop"), {none, metric}},
                                     {SampleResource("idle"), {none}}};

  const EncodedMetrics encoded = EncodeMetrics(snapshot);
  EXPECT_EQ(encoded.points, 1u);
  MetricRequest request;
  ASSERT_TRUE(request.ParseFromString(encoded.request));
  ASSERT_EQ(request.resource_metrics_size(), 1);
  EXPECT_EQ(
      Find(request.resource_metrics(0).resource().attributes(), "service.name")->string_value(),
      "shop");
  const auto& scope = request.resource_metrics(0).scope_metrics(0);
  ASSERT_EQ(scope.metrics_size(), 1);
  const auto& out = scope.metrics(0);
  EXPECT_EQ(out.name(), "http.server.request.duration");
  EXPECT_EQ(out.unit(), "s");
  EXPECT_EQ(out.description(), "Duration of HTTP server requests.");
  EXPECT_EQ(out.histogram().aggregation_temporality(), 2);
  const auto& got = out.histogram().data_points(0);
  EXPECT_EQ(got.count(), 4u);
  EXPECT_EQ(got.sum(), 1.5);
  EXPECT_EQ(got.min(), 0.1);
  EXPECT_EQ(got.max(), 0.9);
  EXPECT_EQ(got.start_time_unix_nano(), point.start_ns);
  EXPECT_EQ(got.time_unix_nano(), point.time_ns);
  EXPECT_EQ(std::vector<std::uint64_t>(got.bucket_counts().begin(), got.bucket_counts().end()),
            point.bucket_counts);
  EXPECT_EQ(std::vector<double>(got.explicit_bounds().begin(), got.explicit_bounds().end()),
            metric.bounds);
  EXPECT_EQ(got.attributes(1).value().int_value(), 200);
  ASSERT_EQ(got.exemplars_size(), 1);
  EXPECT_EQ(got.exemplars(0).as_double(), 0.3);
  EXPECT_EQ(got.exemplars(0).time_unix_nano(), exemplar.time_ns);
  EXPECT_EQ(got.exemplars(0).trace_id(), std::string(16, '\xab'));
  EXPECT_EQ(got.exemplars(0).span_id(), std::string(8, '\xcd'));
  EXPECT_EQ(out.metadata_size(), 0);
  const auto walked = otlp::Walk(otlp::Signal::kMetrics, encoded.request, otlp::WalkDepth::kAll);
  EXPECT_TRUE(walked.ok);
  EXPECT_EQ(walked.items, 1u);
}

TEST(MetricEncoderTest, MetricsOfInstrumentedProcessesSaySo) {
  metric::HistogramPoint point;
  point.bucket_counts = {0, 0};
  metric::HistogramMetric metric{"http.server.request.duration", "s", "", {0.2}, {point},
                                 /*instrumented=*/true};
  MetricRequest request;
  ASSERT_TRUE(request.ParseFromString(EncodeMetrics({{SampleResource("shop"), {metric}}}).request));
  const auto& out = request.resource_metrics(0).scope_metrics(0).metrics(0);
  ASSERT_EQ(out.metadata_size(), 1);
  EXPECT_EQ(out.metadata(0).key(), "wirespan.instrumented");
  EXPECT_TRUE(out.metadata(0).value().bool_value());
}

TEST(MetricEncoderTest, NumbersAreSumsAndGauges) {
  metric::NumberMetric counter{"wirespan.exchanges",
                               "{exchange}",
                               "What became of them",
                               true,
                               5,
                               9,
                               {{{{"wirespan.outcome", "reported"}}, 1'000'000'000'000}}};
  metric::NumberMetric gauge{"wirespan.coverage.sockets",
                             "{socket}",
                             "",
                             false,
                             5,
                             9,
                             {{{{"process.pid", std::int64_t{7}}, {"wirespan.seen", true}}, 3}}};
  metric::NumberMetric none{"nothing", "1", "", false, 0, 0, {}};
  metric::ResourceMetrics own{SampleResource("wirespan-agent"), {}, {counter, none, gauge}};
  const EncodedMetrics encoded = EncodeMetrics({own});
  EXPECT_EQ(encoded.points, 2u);
  MetricRequest request;
  ASSERT_TRUE(request.ParseFromString(encoded.request));
  const auto& scope = request.resource_metrics(0).scope_metrics(0);
  ASSERT_EQ(scope.metrics_size(), 2);
  const auto& sum = scope.metrics(0).sum();
  EXPECT_EQ(scope.metrics(0).name(), "wirespan.exchanges");
  EXPECT_EQ(scope.metrics(0).unit(), "{exchange}");
  EXPECT_TRUE(sum.is_monotonic());
  EXPECT_EQ(sum.aggregation_temporality(), 2);
  EXPECT_EQ(sum.data_points(0).as_int(), 1'000'000'000'000);
  EXPECT_EQ(sum.data_points(0).start_time_unix_nano(), 5u);
  EXPECT_EQ(sum.data_points(0).time_unix_nano(), 9u);
  EXPECT_EQ(Find(sum.data_points(0).attributes(), "wirespan.outcome")->string_value(), "reported");
  const auto& now = scope.metrics(1).gauge().data_points(0);
  EXPECT_EQ(now.as_int(), 3);
  EXPECT_EQ(now.start_time_unix_nano(), 0u);
  EXPECT_EQ(Find(now.attributes(), "process.pid")->int_value(), 7);
  EXPECT_TRUE(Find(now.attributes(), "wirespan.seen")->bool_value());
  const auto walked = otlp::Walk(otlp::Signal::kMetrics, encoded.request, otlp::WalkDepth::kAll);
  EXPECT_TRUE(walked.ok);
  EXPECT_EQ(walked.items, 2u);
}

TEST(MetricEncoderTest, NothingGivesNoBytes) {
  EXPECT_EQ(EncodeMetrics({}).request, "");
  EXPECT_EQ(EncodeMetrics({{SampleResource("idle"), {}}}).request, "");
}

}  // namespace
}  // namespace wirespan::exporting
