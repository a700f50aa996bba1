#include "common/otlp/walk.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "common/otlp/wire.h"

namespace wirespan::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;
using TraceRequest = collector::trace::v1::ExportTraceServiceRequest;
using MetricRequest = collector::metrics::v1::ExportMetricsServiceRequest;
using LogRequest = collector::logs::v1::ExportLogsServiceRequest;

TraceRequest Traces(int resources, int scopes, int spans) {
  TraceRequest request;
  int id = 0;
  for (int r = 0; r < resources; ++r) {
    auto* resource_spans = request.add_resource_spans();
    auto* attribute = resource_spans->mutable_resource()->add_attributes();
    attribute->set_key("service.name");
    attribute->mutable_value()->set_string_value("service-" + std::to_string(r));
    resource_spans->set_schema_url("https://opentelemetry.io/schemas/1.27.0");
    for (int s = 0; s < scopes; ++s) {
      auto* scope_spans = resource_spans->add_scope_spans();
      scope_spans->mutable_scope()->set_name("scope-" + std::to_string(s));
      for (int i = 0; i < spans; ++i) {
        auto* span = scope_spans->add_spans();
        std::string number = std::to_string(++id);
        span->set_trace_id(std::string(16 - number.size(), 't') + number);
        span->set_span_id(std::string(8 - number.size(), 's') + number);
        span->set_name("GET /" + number);
        auto* key = span->add_attributes();
        key->set_key("n");
        key->mutable_value()->set_int_value(id);
      }
    }
  }
  return request;
}

std::vector<std::string> Names(const std::string& bytes) {
  std::vector<std::string> names;
  TraceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  for (const auto& resource : request.resource_spans()) {
    for (const auto& scope : resource.scope_spans()) {
      for (const auto& span : scope.spans()) {
        names.push_back(resource.resource().attributes(0).value().string_value() + " " +
                        scope.scope().name() + " " + span.name());
      }
    }
  }
  return names;
}

MetricRequest Metrics() {
  MetricRequest request;
  auto* scope = request.add_resource_metrics()->add_scope_metrics();
  auto* gauge = scope->add_metrics();
  gauge->set_name("g");
  for (int i = 0; i < 3; ++i) gauge->mutable_gauge()->add_data_points()->set_as_int(i);
  auto* sum = scope->add_metrics();
  sum->set_name("s");
  sum->mutable_sum()->set_is_monotonic(true);
  for (int i = 0; i < 4; ++i) sum->mutable_sum()->add_data_points()->set_as_double(i);
  auto* histogram = scope->add_metrics();
  histogram->set_name("h");
  histogram->mutable_histogram()->add_data_points()->add_bucket_counts(5);
  auto* exponential = scope->add_metrics();
  exponential->mutable_exponential_histogram()
      ->add_data_points()
      ->mutable_positive()
      ->add_bucket_counts(1);
  auto* summary = scope->add_metrics();
  summary->mutable_summary()->add_data_points()->add_quantile_values()->set_value(1);
  return request;
}

TEST(WalkTest, CountsSpansPointsAndRecords) {
  const WalkResult traces =
      Walk(Signal::kTraces, Traces(2, 3, 4).SerializeAsString(), WalkDepth::kAll);
  EXPECT_TRUE(traces.ok);
  EXPECT_EQ(traces.items, 24u);
  EXPECT_EQ(traces.resources, 2u);
  EXPECT_EQ(traces.invalid, 0u);

  const WalkResult metrics = Walk(Signal::kMetrics, Metrics().SerializeAsString(), WalkDepth::kAll);
  EXPECT_TRUE(metrics.ok);
  EXPECT_EQ(metrics.items, 10u);

  LogRequest logs;
  auto* scope = logs.add_resource_logs()->add_scope_logs();
  scope->add_log_records()->mutable_body()->set_string_value("plain");
  scope->add_log_records()->set_trace_id("short");
  const WalkResult counted = Walk(Signal::kLogs, logs.SerializeAsString(), WalkDepth::kAll);
  EXPECT_TRUE(counted.ok);
  EXPECT_EQ(counted.items, 2u);
  EXPECT_EQ(counted.invalid, 1u);
}

TEST(WalkTest, ProfilesAreCountedBySamplesAndNotLookedInto) {
  const auto nest = [](std::uint32_t number, std::string_view message) {
    std::string out;
    AppendBytesField(out, number, message);
    return out;
  };
  // The dictionary and whatever else a version has may hold anything.
  const std::string odd = nest(3, "\xff\xff");
  const std::string profile = nest(2, "") + odd + nest(2, "\x08\x01") + nest(21, "pprof");
  const std::string request = nest(1, nest(2, nest(2, profile) + nest(2, profile))) + nest(2, odd);
  const WalkResult walk = Walk(Signal::kProfiles, request, WalkDepth::kAll);
  EXPECT_TRUE(walk.ok);
  EXPECT_EQ(walk.items, 4u);
  EXPECT_EQ(walk.invalid, 0u);
  EXPECT_EQ(walk.resources, 1u);
  EXPECT_FALSE(Walk(Signal::kProfiles, nest(1, nest(2, "\x12\x7f")), WalkDepth::kAll).ok);
}

TEST(WalkTest, AnEmptyRequestIsWellFormed) {
  for (const Signal signal :
       {Signal::kTraces, Signal::kMetrics, Signal::kLogs, Signal::kProfiles}) {
    EXPECT_TRUE(Walk(signal, "", WalkDepth::kAll).ok);
    EXPECT_TRUE(Walk(signal, std::string("\x0a\x00", 2), WalkDepth::kAll).ok);
  }
}

TEST(WalkTest, EveryCutIsMalformedOrAWholePrefix) {
  const std::string bytes = Traces(1, 1, 3).SerializeAsString();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(Walk(Signal::kTraces, std::string_view(bytes).substr(0, cut)).ok) << cut;
  }
}

TEST(WalkTest, FlippedBytesAreJudgedAsProtobufJudgesThem) {
  const std::string good = Traces(1, 1, 2).SerializeAsString();
  int disagreed = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char flip : {'\x01', '\x02', '\x07', '\x20'}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      TraceRequest request;
      const bool ours = Walk(Signal::kTraces, bytes, WalkDepth::kAll).ok;
      // Ours may be stricter (wrong wire type of a known message) but never passes what protobuf
      // refuses.
      if (ours && !request.ParseFromString(bytes)) ++disagreed;
    }
  }
  EXPECT_EQ(disagreed, 0);
}

TEST(WalkTest, NestedValuesAreBounded) {
  std::string value;  // AnyValue
  AppendBytesField(value, 1, "leaf");
  for (int depth = 0; depth < 5000; ++depth) {
    std::string array, any;
    AppendBytesField(array, 1, value);
    AppendBytesField(any, 5, array);
    value = std::move(any);
  }
  std::string key_value, resource, resource_spans, request;
  AppendBytesField(key_value, 2, value);
  AppendBytesField(resource, 1, key_value);
  AppendBytesField(resource_spans, 1, resource);
  AppendBytesField(request, 1, resource_spans);
  EXPECT_TRUE(Walk(Signal::kTraces, request).ok);
  EXPECT_FALSE(Walk(Signal::kTraces, request, WalkDepth::kAll).ok);
}

TEST(WalkTest, SpansWithUnusableIdsAreCountedAndRemovedAndTheRestSurvives) {
  TraceRequest request = Traces(1, 1, 10);
  auto* spans = request.mutable_resource_spans(0)->mutable_scope_spans(0)->mutable_spans();
  spans->at(1).set_trace_id(std::string(15, 'x'));
  spans->at(4).set_span_id(std::string(8, '\0'));
  spans->at(9).set_parent_span_id("p");
  std::string bytes = request.SerializeAsString();
  std::string unknown;
  AppendBytesField(unknown, 200, "from the future");
  bytes += unknown;

  EXPECT_EQ(Walk(Signal::kTraces, bytes).invalid, 3u);
  std::string rest;
  EXPECT_EQ(RemoveInvalid(Signal::kTraces, bytes, rest), 3u);
  const WalkResult walked = Walk(Signal::kTraces, rest, WalkDepth::kAll);
  EXPECT_TRUE(walked.ok);
  EXPECT_EQ(walked.items, 7u);
  EXPECT_EQ(walked.invalid, 0u);
  EXPECT_NE(rest.find("from the future"), std::string::npos);
  EXPECT_NE(rest.find("schemas/1.27.0"), std::string::npos);
}

TEST(WalkTest, RangesConcatenateToTheSameRequest) {
  const std::string a = Traces(2, 1, 2).SerializeAsString();
  const std::string b = Traces(1, 2, 3).SerializeAsString();
  std::vector<ResourceRange> ranges;
  ASSERT_TRUE(ResourceRanges(Signal::kTraces, a, ranges));
  ASSERT_TRUE(ResourceRanges(Signal::kTraces, b, ranges));
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_EQ(ranges[0].items, 2u);
  EXPECT_EQ(ranges[2].items, 6u);
  std::string joined;
  for (const ResourceRange& range : ranges) joined.append(range.encoded);
  EXPECT_EQ(joined, a + b);
  EXPECT_EQ(Names(joined).size(), 10u);
}

TEST(WalkTest, SplitKeepsOrderHeadersAndEverySpan) {
  const std::string bytes = Traces(3, 2, 5).SerializeAsString();
  const auto want = Names(bytes);
  for (const std::size_t max : {1u, 3u, 7u, 29u, 30u, 100u}) {
    SCOPED_TRACE(max);
    std::vector<std::string> got;
    const auto parts = Split(Signal::kTraces, bytes, max);
    EXPECT_EQ(parts.size(), (30 + max - 1) / max);
    for (const Part& part : parts) {
      EXPECT_LE(part.items, max);
      const auto names = Names(part.bytes);
      EXPECT_EQ(names.size(), part.items);
      got.insert(got.end(), names.begin(), names.end());
    }
    EXPECT_EQ(got, want);
  }
}

TEST(WalkTest, SplitByBytesStaysBelowTheBound) {
  const std::string bytes = Traces(2, 1, 50).SerializeAsString();
  std::size_t items = 0;
  for (const Part& part : Split(Signal::kTraces, bytes, 1000, 1000)) {
    EXPECT_LE(part.bytes.size(), 1000u);
    items += part.items;
  }
  EXPECT_EQ(items, 100u);
}

TEST(WalkTest, SplitGoesThroughAMetric) {
  std::size_t points = 0;
  for (const Part& part : Split(Signal::kMetrics, Metrics().SerializeAsString(), 2)) {
    MetricRequest request;
    ASSERT_TRUE(request.ParseFromString(part.bytes));
    EXPECT_LE(part.items, 2u);
    points += part.items;
    for (const auto& metric : request.resource_metrics(0).scope_metrics(0).metrics()) {
      if (metric.name() == "s") {
        EXPECT_TRUE(metric.sum().is_monotonic());
      }
    }
  }
  EXPECT_EQ(points, 10u);
}

}  // namespace
}  // namespace wirespan::otlp
