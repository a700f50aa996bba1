#include "gateway/pipeline/filter_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

namespace proto = opentelemetry::proto;
using testing::HasSubstr;
using TraceRequest = proto::collector::trace::v1::ExportTraceServiceRequest;
using MetricsRequest = proto::collector::metrics::v1::ExportMetricsServiceRequest;
using LogsRequest = proto::collector::logs::v1::ExportLogsServiceRequest;
using ErrorMode = FilterOptions::ErrorMode;

FilterOptions::Conditions Conditions(OttlScope scope, std::vector<std::string> texts) {
  FilterOptions::Conditions conditions;
  for (const std::string& text : texts) {
    auto condition = OttlCondition::Parse(text, scope);
    EXPECT_TRUE(condition) << condition.error().message;
    conditions.push_back(*condition);
  }
  return conditions;
}

class FilterProcessorTest : public testing::Test {
 protected:
  // Sends a request through; what comes out, or nullopt if nothing does.
  template <class Request>
  std::optional<Request> Through(const FilterOptions& options, Signal signal,
                                 const Request& request, std::uint64_t items) {
    const std::size_t before = next_.size();
    FilterProcessor processor("filter", options, signal, next_, registry_);
    Batch batch;
    batch.signal = signal;
    batch.items = items;
    batch.bytes = Bytes(request.SerializeAsString());
    batch.ledger = &book_.Pipeline("p");
    batch.ack = Ack([this](Outcome outcome) { told_ = std::move(outcome); });
    processor.Consume(std::move(batch));
    if (next_.size() == before) return std::nullopt;
    Batch& out = next_.at(before);
    passed_items_ = out.items;
    Request after;
    EXPECT_TRUE(after.ParseFromString(out.bytes.ToString()));
    return after;
  }

  telemetry::Registry registry_;
  LedgerBook book_;
  std::optional<Outcome> told_;
  Collected next_;  // answers what it holds when it goes
  std::uint64_t passed_items_ = 0;
};

TraceRequest Spans(std::vector<std::pair<std::string, std::vector<std::string>>> resources) {
  TraceRequest request;
  for (const auto& [service, names] : resources) {
    auto& resource = *request.add_resource_spans();
    auto& attribute = *resource.mutable_resource()->add_attributes();
    attribute.set_key("service.name");
    attribute.mutable_value()->set_string_value(service);
    auto& scope = *resource.add_scope_spans();
    for (const std::string& name : names) scope.add_spans()->set_name(name);
  }
  return request;
}

std::string Show(const TraceRequest& request) {
  std::string text;
  for (const auto& resource : request.resource_spans()) {
    text += resource.resource().attributes(0).value().string_value() + ":";
    for (const auto& scope : resource.scope_spans()) {
      for (const auto& span : scope.spans()) text += " " + span.name();
    }
    text += "; ";
  }
  return text;
}

TEST_F(FilterProcessorTest, DropsSpansAndWhatBecomesEmptyAndCounts) {
  FilterOptions options;
  options.span = Conditions(
      OttlScope::kSpan, {R"(name == "health")", R"(resource.attributes["service.name"] == "b")"});
  const auto after =
      Through(options, Signal::kTraces,
              Spans({{"a", {"x", "health", "y"}}, {"b", {"z"}}, {"c", {"health"}}}), 5);
  ASSERT_TRUE(after);
  EXPECT_EQ(Show(*after), "a: x y; ");
  EXPECT_EQ(passed_items_, 2u);
  EXPECT_EQ(
      registry_.Value("otelcol_processor_filter_spans_filtered_total", {{"filter", "filter"}}), 3);
  const auto ledger = book_.Pipeline("p").snapshot();
  EXPECT_EQ(ledger.dropped.at({"filter", "filtered"}), 3u);
  EXPECT_FALSE(told_);  // the exporter's to say
}

TEST_F(FilterProcessorTest, AnswersOkForARequestOfWhichNothingIsLeft) {
  FilterOptions options;
  options.span = Conditions(OttlScope::kSpan, {"true"});
  EXPECT_FALSE(Through(options, Signal::kTraces, Spans({{"a", {"x", "y"}}}), 2));
  ASSERT_TRUE(told_);
  EXPECT_TRUE(told_->ok());
  EXPECT_EQ(book_.Pipeline("p").snapshot().dropped.at({"filter", "filtered"}), 2u);
}

TEST_F(FilterProcessorTest, DropsResourcesWhole) {
  FilterOptions options;
  options.resource[IndexOf(Signal::kTraces)] =
      Conditions(OttlScope::kResource, {R"(attributes["service.name"] == "a")"});
  const auto after = Through(options, Signal::kTraces, Spans({{"a", {"x", "y"}}, {"b", {"z"}}}), 3);
  ASSERT_TRUE(after);
  EXPECT_EQ(Show(*after), "b: z; ");
  EXPECT_EQ(passed_items_, 1u);
}

TEST_F(FilterProcessorTest, DropsEventsAndKeepsTheirSpan) {
  TraceRequest request = Spans({{"a", {"x"}}});
  auto& span = *request.mutable_resource_spans(0)->mutable_scope_spans(0)->mutable_spans(0);
  for (const char* name : {"keep", "drop", "drop", "keep"}) span.add_events()->set_name(name);
  span.mutable_status()->set_message("behind the events");
  FilterOptions options;
  options.span_event =
      Conditions(OttlScope::kSpanEvent, {R"(name == "drop" and span.name == "x")"});
  const auto after = Through(options, Signal::kTraces, request, 1);
  ASSERT_TRUE(after);
  span.mutable_events()->DeleteSubrange(1, 2);
  EXPECT_EQ(after->SerializeAsString(), request.SerializeAsString());
  EXPECT_EQ(
      registry_.Value("wirespan_processor_filter_span_events_total", {{"processor", "filter"}}), 2);
}

TEST_F(FilterProcessorTest, DropsMetricsAndPoints) {
  MetricsRequest request;
  auto& scope = *request.add_resource_metrics()->add_scope_metrics();
  const auto add = [&](const char* name, std::vector<int> values) {
    auto& metric = *scope.add_metrics();
    metric.set_name(name);
    for (const int value : values) {
      auto& point = *metric.mutable_gauge()->add_data_points();
      point.set_as_int(value);
      auto& attribute = *point.add_attributes();
      attribute.set_key(value > 5 ? "large" : "small");
      attribute.mutable_value()->set_string_value("x");
    }
  };
  add("by_name", {1, 2});
  add("points", {1, 7, 3});
  add("all_points", {8, 9});
  FilterOptions options;
  options.metric = Conditions(OttlScope::kMetric, {R"(name == "by_name")"});
  options.data_point = Conditions(OttlScope::kDataPoint, {R"(attributes["large"] != nil)"});
  const auto after = Through(options, Signal::kMetrics, request, 7);
  ASSERT_TRUE(after);
  const auto& metrics = after->resource_metrics(0).scope_metrics(0);
  ASSERT_EQ(metrics.metrics_size(), 1);
  EXPECT_EQ(metrics.metrics(0).name(), "points");
  EXPECT_EQ(metrics.metrics(0).gauge().data_points_size(), 2);
  EXPECT_EQ(passed_items_, 2u);
  EXPECT_EQ(
      registry_.Value("otelcol_processor_filter_datapoints_filtered_total", {{"filter", "filter"}}),
      5);
}

TEST_F(FilterProcessorTest, DropsLogRecords) {
  LogsRequest request;
  auto& scope = *request.add_resource_logs()->add_scope_logs();
  scope.add_log_records()->set_severity_number(proto::logs::v1::SEVERITY_NUMBER_DEBUG);
  scope.add_log_records()->set_severity_number(proto::logs::v1::SEVERITY_NUMBER_ERROR);
  FilterOptions options;
  options.log_record = Conditions(OttlScope::kLog, {"severity_number < SEVERITY_NUMBER_WARN"});
  const auto after = Through(options, Signal::kLogs, request, 2);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->resource_logs(0).scope_logs(0).log_records_size(), 1);
}

TEST_F(FilterProcessorTest, GoesOnAfterAnErrorOrRefusesTheRequest) {
  FilterOptions options;
  options.span = Conditions(OttlScope::kSpan, {R"(Len(kind) > 1)", R"(name == "x")"});
  for (const ErrorMode mode : {ErrorMode::kIgnore, ErrorMode::kSilent}) {
    options.error_mode = mode;
    const auto after = Through(options, Signal::kTraces, Spans({{"a", {"x", "y"}}}), 2);
    ASSERT_TRUE(after);
    EXPECT_EQ(Show(*after), "a: y; ");
  }
  EXPECT_EQ(registry_.Value("wirespan_processor_filter_errors_total", {{"processor", "filter"}}),
            4);
  options.error_mode = ErrorMode::kPropagate;
  EXPECT_FALSE(Through(options, Signal::kTraces, Spans({{"a", {"x", "y"}}}), 2));
  ASSERT_TRUE(told_);
  EXPECT_FALSE(told_->ok());
  EXPECT_FALSE(told_->retryable);
  EXPECT_THAT(told_->message, HasSubstr("Len(kind) > 1: Len: an int has no length"));
  EXPECT_EQ(book_.Pipeline("p").snapshot().dropped.at({"filter", "refused"}), 2u);
}

// Random requests and conditions, against the same on decoded messages.
TEST_F(FilterProcessorTest, DoesTheSameAsOnDecodedMessages) {
  std::mt19937 random(11);
  const char* const names[] = {"a", "b", "c", "d"};
  FilterOptions options;
  options.error_mode = ErrorMode::kSilent;
  options.span =
      Conditions(OttlScope::kSpan,
                 {R"(name == "a" or resource.attributes["service.name"] == "d" and name != "b")"});
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::pair<std::string, std::vector<std::string>>> before(random() % 4);
    std::string wanted;
    std::uint64_t items = 0;
    for (auto& [service, spans] : before) {
      service = names[random() % 4];
      spans.resize(1 + random() % 4);
      std::string kept;
      for (std::string& span : spans) {
        span = names[random() % 4];
        ++items;
        if (!(span == "a" || (service == "d" && span != "b"))) kept += " " + span;
      }
      if (!kept.empty()) wanted += service + ":" + kept + "; ";
    }
    const auto after = Through(options, Signal::kTraces, Spans(before), items);
    EXPECT_EQ(after ? Show(*after) : "", wanted);
  }
}

}  // namespace
}  // namespace wirespan::gateway
