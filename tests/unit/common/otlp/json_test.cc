#include "common/otlp/json.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/logs/v1/logs_service.pb.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <nlohmann/json.hpp>

namespace wirespan::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;
using TraceRequest = collector::trace::v1::ExportTraceServiceRequest;
using MetricRequest = collector::metrics::v1::ExportMetricsServiceRequest;
using Span = opentelemetry::proto::trace::v1::Span;

std::string Wrap(std::string_view span) {
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[)" + std::string(span) + "]}]}]}";
}

Span ParseSpan(std::string_view span) {
  const auto bytes = RequestFromJson(Signal::kTraces, Wrap(span));
  EXPECT_TRUE(bytes.has_value()) << (bytes ? "" : bytes.error().message);
  TraceRequest request;
  if (!bytes || !request.ParseFromString(*bytes)) return {};
  return request.resource_spans(0).scope_spans(0).spans(0);
}

bool Refused(std::string_view span) {
  return !RequestFromJson(Signal::kTraces, Wrap(span)).has_value();
}

TEST(JsonTest, H2_EnumsAreIntegersAlone) {
  EXPECT_EQ(ParseSpan(R"({"kind":2})").kind(), 2);
  EXPECT_TRUE(Refused(R"({"kind":"SPAN_KIND_SERVER"})"));
  EXPECT_TRUE(Refused(R"({"kind":"2"})"));
  EXPECT_TRUE(Refused(R"({"status":{"code":"STATUS_CODE_ERROR"}})"));
  Span span;
  span.set_kind(Span::SPAN_KIND_SERVER);
  TraceRequest request;
  *request.add_resource_spans()->add_scope_spans()->add_spans() = span;
  EXPECT_EQ(RequestToJson(Signal::kTraces, request.SerializeAsString()), Wrap(R"({"kind":2})"));
}

TEST(JsonTest, H3_UnknownFieldsAreIgnoredAtEveryLevel) {
  const auto bytes =
      RequestFromJson(Signal::kTraces, R"( {"x":1,"resourceSpans":[{"y":{"kind":"Z","a":[[],{}]},
      "scopeSpans":[{"z":[1,{"b":null}],"spans":[{"name":"n","q":"traceId","status":{"w":true}}]}]}]} )");
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  TraceRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans(0).name(), "n");
}

TEST(JsonTest, H4_IdsAreHexInEitherCase) {
  const Span span = ParseSpan(
      R"({"traceId":"5B8efff798038103d269b633813fc60C","spanId":"EEE19b7ec3c1b174","parentSpanId":""})");
  EXPECT_EQ(span.trace_id(),
            std::string("\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c", 16));
  EXPECT_EQ(span.span_id(), "\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74");
  EXPECT_TRUE(Refused(R"({"traceId":"W47/95gDgQPSabYzgT/GDA=="})"));
  EXPECT_TRUE(Refused(R"({"spanId":"abc"})"));
}

TEST(JsonTest, H5_OnlyLowerCamelCaseNamesCount) {
  const Span span =
      ParseSpan(R"({"dropped_attributes_count":7,"trace_id":"zz","droppedEventsCount":3})");
  EXPECT_EQ(span.dropped_attributes_count(), 0u);
  EXPECT_EQ(span.trace_id(), "");
  EXPECT_EQ(span.dropped_events_count(), 3u);
}

TEST(JsonTest, H6_LongIntegersAreStringsOrNumbersAndKeepTheirPrecision) {
  EXPECT_EQ(ParseSpan(R"({"startTimeUnixNano":123})").start_time_unix_nano(), 123u);
  EXPECT_EQ(ParseSpan(R"({"startTimeUnixNano":"123"})").start_time_unix_nano(), 123u);
  EXPECT_EQ(ParseSpan(R"({"startTimeUnixNano":9223372036854775809})").start_time_unix_nano(),
            9223372036854775809u);
  EXPECT_EQ(ParseSpan(R"({"startTimeUnixNano":"9223372036854775809"})").start_time_unix_nano(),
            9223372036854775809u);
  EXPECT_EQ(ParseSpan(R"({"startTimeUnixNano":1.5e3})").start_time_unix_nano(), 1500u);
  for (const char* bad :
       {R"({"startTimeUnixNano":-1})", R"({"startTimeUnixNano":1.5})",
        R"({"startTimeUnixNano":""})", R"({"startTimeUnixNano":"18446744073709551616"})",
        R"({"startTimeUnixNano":true})", R"({"kind":2147483648})",
        R"({"startTimeUnixNano":1e300})"}) {
    EXPECT_TRUE(Refused(bad)) << bad;
  }
  TraceRequest request;
  request.add_resource_spans()->add_scope_spans()->add_spans()->set_end_time_unix_nano(
      9223372036854775809u);
  EXPECT_EQ(RequestToJson(Signal::kTraces, request.SerializeAsString()),
            Wrap(R"({"endTimeUnixNano":"9223372036854775809"})"));
}

TEST(JsonTest, EveryKindOfValueSurvivesTheRoundTrip) {
  const std::string json = Wrap(
      R"({"traceId":"5b8efff798038103d269b633813fc60c","name":"\u00e4\"\n\ud83d\ude00","attributes":[)"
      R"({"key":"s","value":{"stringValue":""}},{"key":"b","value":{"boolValue":false}},)"
      R"({"key":"i","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":0.1}},)"
      R"({"key":"n","value":{"doubleValue":"NaN"}},{"key":"y","value":{"bytesValue":"AAH/"}},)"
      R"({"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"},{}]}}},)"
      R"({"key":"k","value":{"kvlistValue":{"values":[{"key":"z","value":{"boolValue":true}}]}}},)"
      R"({"key":"e","value":{}}],"status":{"message":"m","code":2},"flags":257})");
  const auto bytes = RequestFromJson(Signal::kTraces, json);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  TraceRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  const Span& span = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_EQ(span.name(), "\xc3\xa4\"\n\xf0\x9f\x98\x80");
  EXPECT_TRUE(span.attributes(0).value().has_string_value());
  EXPECT_TRUE(span.attributes(1).value().has_bool_value());
  EXPECT_EQ(span.attributes(2).value().int_value(), -5);
  EXPECT_EQ(span.attributes(3).value().double_value(), 0.1);
  EXPECT_EQ(span.attributes(5).value().bytes_value(), std::string("\x00\x01\xff", 3));
  EXPECT_EQ(span.attributes(6).value().array_value().values_size(), 3);

  const auto again = RequestToJson(Signal::kTraces, *bytes);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(nlohmann::json::parse(*again), nlohmann::json::parse(json));
}

TEST(JsonTest, MetricsKeepPackedNumbers) {
  const std::string json =
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":[{"count":"3",)"
      R"("sum":1.5,"bucketCounts":["1","2"],"explicitBounds":[0.5],"exemplars":[{"asDouble":0.25,)"
      R"("spanId":"eee19b7ec3c1b174"}]}],"aggregationTemporality":2}},{"name":"g","gauge":{"dataPoints":[{"asInt":"-1"}]}}]}]}]})";
  const auto bytes = RequestFromJson(Signal::kMetrics, json);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  MetricRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  const auto& point =
      request.resource_metrics(0).scope_metrics(0).metrics(0).histogram().data_points(0);
  EXPECT_EQ(point.count(), 3u);
  EXPECT_EQ(point.bucket_counts(1), 2u);
  EXPECT_EQ(point.explicit_bounds(0), 0.5);
  EXPECT_EQ(request.resource_metrics(0).scope_metrics(0).metrics(1).gauge().data_points(0).as_int(),
            -1);
  const auto again = RequestToJson(Signal::kMetrics, request.SerializeAsString());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(nlohmann::json::parse(*again), nlohmann::json::parse(json));
}

TEST(JsonTest, MalformedTextIsRefusedWithItsOffset) {
  for (const char* bad :
       {"", "[]", "null", "{", R"({"resourceSpans":[)", R"({"resourceSpans":{}})",
        R"({"resourceSpans":[1]})", R"({"resourceSpans":[]} x)", R"({"a":01})", R"({"a":1.})",
        R"({"a":"\x"})", R"({"a":"\ud800"})", R"({"a":tru})", "{\"a\":\"\x01\"}",
        "{\"a\":\"\xff\"}", R"({"a" 1})", R"({"a":1,})", R"({"resourceSpans":[null]})"}) {
    const auto result = RequestFromJson(Signal::kTraces, bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(result.error().message.starts_with("offset ")) << result.error().message;
  }
  EXPECT_TRUE(RequestFromJson(Signal::kTraces, R"({"resourceSpans":null})").has_value());
  EXPECT_EQ(RequestFromJson(Signal::kTraces, "{}").value(), "");
}

TEST(JsonTest, DepthIsBoundedForKnownAndUnknownFields) {
  std::string known, unknown, end;
  for (int i = 0; i < 5000; ++i) {
    known += R"({"arrayValue":{"values":[)";
    unknown += "[";
    end += "]";
  }
  EXPECT_TRUE(Refused(R"({"attributes":[{"key":"k","value":)" + known));
  EXPECT_TRUE(Refused(R"({"x":)" + unknown + end + "}"));
}

TEST(JsonTest, EveryCutIsRefused) {
  const std::string json =
      Wrap(R"({"traceId":"5b8e","attributes":[{"key":"\u00e4","value":{"intValue":"1"}}]})");
  for (std::size_t cut = 0; cut < json.size(); ++cut) {
    EXPECT_FALSE(RequestFromJson(Signal::kTraces, json.substr(0, cut)).has_value()) << cut;
  }
}

}  // namespace
}  // namespace wirespan::otlp
