#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <iterator>

#include "gateway/pipeline/filter_processor.h"
#include "gateway/pipeline/ottl_condition.h"
#include "gateway/pipeline/ottl_functions.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace wirespan::gateway {
namespace {

namespace proto = opentelemetry::proto;
using testing::HasSubstr;
using Truth = OttlCondition::Truth;

// One telemetry item of each kind, which all the rows below are asked about.
class Sample {
 public:
  Sample() {
    auto* attribute = resource.add_attributes();
    attribute->set_key("service.name");
    attribute->mutable_value()->set_string_value("shop");
    resource.set_dropped_attributes_count(3);
    scope.set_name("lib");
    scope.set_version("1.2");
    scope.set_dropped_attributes_count(4);
    attribute = scope.add_attributes();
    attribute->set_key("s");
    attribute->mutable_value()->set_bool_value(true);

    span.set_trace_id(
        std::string("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"));
    span.set_span_id(std::string("\x01\x02\x03\x04\x05\x06\x07\x08"));
    span.set_trace_state("k=v");
    span.set_name("GET /health");
    span.set_kind(proto::trace::v1::Span::SPAN_KIND_SERVER);
    span.set_start_time_unix_nano(1'000'000'000);
    span.set_end_time_unix_nano(2'500'000'000);
    span.set_dropped_attributes_count(5);
    span.set_dropped_events_count(6);
    span.set_dropped_links_count(7);
    span.mutable_status()->set_code(proto::trace::v1::Status::STATUS_CODE_ERROR);
    span.mutable_status()->set_message("broken");
    Add(*span.add_attributes(), "text")->set_string_value("abc");
    Add(*span.add_attributes(), "int")->set_int_value(7);
    Add(*span.add_attributes(), "double")->set_double_value(1.5);
    Add(*span.add_attributes(), "bool")->set_bool_value(true);
    Add(*span.add_attributes(), "number")->set_string_value("12");
    auto* list = Add(*span.add_attributes(), "list")->mutable_array_value();
    list->add_values()->set_string_value("first");
    list->add_values()->set_int_value(2);
    auto* map = Add(*span.add_attributes(), "map")->mutable_kvlist_value();
    Add(*map->add_values(), "inner")->set_string_value("deep");

    event.set_time_unix_nano(1'700'000'000);
    event.set_name("exception");
    event.set_dropped_attributes_count(8);
    Add(*event.add_attributes(), "exception.type")->set_string_value("IOError");

    metric.set_name("requests");
    metric.set_description("all of them");
    metric.set_unit("1");
    Add(*metric.add_metadata(), "m")->set_string_value("x");
    metric.mutable_sum()->set_is_monotonic(true);
    metric.mutable_sum()->set_aggregation_temporality(
        proto::metrics::v1::AGGREGATION_TEMPORALITY_DELTA);
    point.set_start_time_unix_nano(10);
    point.set_time_unix_nano(20);
    point.set_as_int(42);
    point.set_flags(1);
    Add(*point.add_attributes(), "method")->set_string_value("GET");
    *metric.mutable_sum()->add_data_points() = point;

    histogram.set_count(9);
    histogram.set_sum(4.5);
    Add(*histogram.add_attributes(), "method")->set_string_value("PUT");

    log.set_time_unix_nano(30);
    log.set_observed_time_unix_nano(40);
    log.set_severity_number(proto::logs::v1::SEVERITY_NUMBER_WARN);
    log.set_severity_text("WARN");
    log.mutable_body()->set_string_value("password=1");
    log.set_dropped_attributes_count(9);
    log.set_flags(1);
    log.set_trace_id(span.trace_id());
    log.set_span_id(span.span_id());
    Add(*log.add_attributes(), "k")->set_string_value("v");
  }

  // `number`: the sum's point; else the histogram's.
  OttlContext Context(OttlScope scope_of, bool number = true) {
    texts_.clear();
    const auto keep = [&](const google::protobuf::Message& message) {
      return std::string_view(texts_.emplace_back(message.SerializeAsString()));
    };
    OttlContext context;
    context.resource.Set(keep(resource));
    context.scope.Set(keep(scope));
    switch (scope_of) {
      case OttlScope::kResource:
        break;
      case OttlScope::kSpan:
        context.item.Set(keep(span));
        break;
      case OttlScope::kSpanEvent:
        context.item.Set(keep(span));
        context.event.Set(keep(event));
        break;
      case OttlScope::kMetric:
        context.metric.Set(keep(metric));
        break;
      case OttlScope::kDataPoint:
        context.metric.Set(keep(metric));
        context.point_field = number ? 7 : 9;
        context.item.Set(number ? keep(point) : keep(histogram));
        break;
      case OttlScope::kLog:
        context.item.Set(keep(log));
        break;
    }
    return context;
  }

  proto::resource::v1::Resource resource;
  proto::common::v1::InstrumentationScope scope;
  proto::trace::v1::Span span;
  proto::trace::v1::Span::Event event;
  proto::metrics::v1::Metric metric;
  proto::metrics::v1::NumberDataPoint point;
  proto::metrics::v1::HistogramDataPoint histogram;
  proto::logs::v1::LogRecord log;

 private:
  static proto::common::v1::AnyValue* Add(proto::common::v1::KeyValue& pair, const char* key) {
    pair.set_key(key);
    return pair.mutable_value();
  }
  std::deque<std::string> texts_;
};

struct Row {
  const char* condition;
  bool truth;
};

const std::vector<std::pair<OttlScope, std::vector<Row>>>& Rows() {
  using enum OttlScope;
  static const std::vector<std::pair<OttlScope, std::vector<Row>>> kRows = {
      {kSpan,
       {
           // operators
           {R"(name == "GET /health")", true},
           {R"(name != "GET /health")", false},
           {R"(name < "H")", true},
           {R"(name <= "A")", false},
           {R"(attributes["int"] > 6)", true},
           {R"(attributes["int"] >= 8)", false},
           {R"(attributes["int"] == 7.0)", true},
           {R"(attributes["double"] < 2)", true},
           {R"(attributes["int"] == "7")", false},
           {R"(attributes["int"] != "7")", true},
           {R"(attributes["int"] < "8")", false},
           {R"(attributes["bool"] == true)", true},
           {R"(attributes["bool"] > false)", true},
           {R"(attributes["absent"] == nil)", true},
           {R"(attributes["absent"] != nil)", false},
           {R"(attributes["text"] != nil)", true},
           {R"(attributes["absent"] < 1)", false},
           {R"(nil == nil)", true},
           {R"(nil <= nil)", true},
           {R"(nil < nil)", false},
           {R"(true)", true},
           {R"(false or true)", true},
           {R"(true and false)", false},
           {R"(true or true and false)", true},
           {R"((true or true) and false)", false},
           {R"(not false)", true},
           {R"(not name == "x" and true)", true},
           {R"(not (name == "x" or kind == 2))", false},
           {R"(not not true)", true},
           {R"(1 + 2 * 3 == 7)", true},
           {R"((1 + 2) * 3 == 9)", true},
           {R"(7 / 2 == 3)", true},
           {R"(-7 / 2 == -3)", true},
           {R"(7.0 / 2.0 == 3.5)", true},
           {R"(5-3 == 2)", true},
           {R"(-.5 < 0)", true},
           {R"(1.5e3 == 1500)", true},
           {R"("a\"b\\" == "a\"b\\")", true},
           {R"(0x0102 == 0x0102)", true},
           {R"(end_time_unix_nano - start_time_unix_nano > 1000000000)", true},
           {R"(end_time - start_time > Duration("1s"))", true},
           {R"(end_time - start_time >= Duration("1s500ms"))", true},
           {R"(end_time - start_time > Duration("2m"))", false},
           {R"(start_time + Duration("1.5s") == end_time)", true},
           // paths
           {R"(trace_id == TraceID(0x0102030405060708090a0b0c0d0e0f10))", true},
           {R"(trace_id.string == "0102030405060708090a0b0c0d0e0f10")", true},
           {R"(span_id == SpanID("0102030405060708"))", true},
           {R"(span_id.string == "0102030405060708")", true},
           {R"(parent_span_id == SpanID(0x0000000000000000))", true},
           {R"(parent_span_id.string == "0000000000000000")", true},
           {R"(trace_state == "k=v")", true},
           {R"(kind == SPAN_KIND_SERVER)", true},
           {R"(kind == SPAN_KIND_CLIENT)", false},
           {R"(kind.string == "Server")", true},
           {R"(kind.deprecated_string == "SPAN_KIND_SERVER")", true},
           {R"(start_time_unix_nano == 1000000000)", true},
           {R"(start_time < end_time)", true},
           {R"(attributes["map"]["inner"] == "deep")", true},
           {R"(attributes["list"][1] == 2)", true},
           {R"(attributes["list"][2] == nil)", true},
           {R"(attributes["text"]["x"] == nil)", true},
           {R"(attributes != nil)", true},
           {R"(dropped_attributes_count == 5 and dropped_events_count == 6)", true},
           {R"(dropped_links_count == 7)", true},
           {R"(status.code == STATUS_CODE_ERROR)", true},
           {R"(status.code == STATUS_CODE_OK or status.code == STATUS_CODE_UNSET)", false},
           {R"(status.message == "broken")", true},
           {R"(span.name == "GET /health")", true},
           {R"(span.attributes["text"] == "abc")", true},
           {R"(resource.attributes["service.name"] == "shop")", true},
           {R"(resource.dropped_attributes_count == 3)", true},
           {R"(instrumentation_scope.name == "lib" and scope.version == "1.2")", true},
           {R"(scope.attributes["s"] == true and scope.dropped_attributes_count == 4)", true},
           // functions
           {R"(IsMatch(name, "^GET /h"))", true},
           {R"(IsMatch(name, "^POST"))", false},
           {R"(IsMatch(attributes["int"], "^7$"))", true},
           {R"(IsMatch(attributes["absent"], ".*"))", false},
           {R"(IsMatch(name, "HEALTH") or IsMatch(name, "(?i)HEALTH"))", true},
           {R"(IsMatch(name, "GET") == true)", true},
           {R"(HasPrefix(name, "GET ") and HasSuffix(name, "health"))", true},
           {R"(HasPrefix(attributes["absent"], ""))", false},
           {R"(IsString(attributes["text"]) and not IsString(attributes["int"]))", true},
           {R"(IsInt(attributes["int"]) and IsDouble(attributes["double"]))", true},
           {R"(IsBool(attributes["bool"]) and IsMap(attributes["map"]))", true},
           {R"(IsList(attributes["list"]) and not IsList(attributes["map"]))", true},
           {R"(IsRootSpan())", true},
           {R"(Len(name) == 11 and Len(attributes["list"]) == 2)", true},
           {R"(Len(attributes["map"]) == 1 and Len(attributes) == 7)", true},
           {R"(Int(attributes["number"]) == 12 and Int("x") == nil)", true},
           {R"(Int(1.9) == 1 and Int(true) == 1)", true},
           {R"(Double(attributes["number"]) == 12.0 and Double("x") == nil)", true},
           {R"(String(attributes["int"]) == "7" and String(nil) == nil)", true},
           {R"(String(attributes["list"]) == "[\"first\",2]")", true},
           {R"(ToLowerCase(name) == "get /health")", true},
           {R"(ToUpperCase(name) == "GET /HEALTH")", true},
           {R"(Nanoseconds(end_time - start_time) == 1500000000)", true},
           {R"(Microseconds(Duration("1ms")) == 1000)", true},
           {R"(Milliseconds(end_time - start_time) == 1500)", true},
           {R"(Seconds(end_time - start_time) == 1.5)", true},
           {R"(Minutes(Duration("90s")) == 1.5 and Hours(Duration("30m")) == 0.5)", true},
       }},
      {kSpanEvent,
       {
           {R"(name == "exception" and span.name == "GET /health")", true},
           {R"(attributes["exception.type"] == "IOError")", true},
           {R"(spanevent.time_unix_nano == 1700000000 and time_unix_nano > 1)", true},
           {R"(time > span.start_time and dropped_attributes_count == 8)", true},
           {R"(resource.attributes["service.name"] == "shop" and IsRootSpan())", true},
       }},
      {kMetric,
       {
           {R"(name == "requests" and description == "all of them" and unit == "1")", true},
           {R"(type == METRIC_DATA_TYPE_SUM and metric.type != METRIC_DATA_TYPE_GAUGE)", true},
           {R"(type == METRIC_DATA_TYPE_NONE or type == METRIC_DATA_TYPE_HISTOGRAM)", false},
           {R"(type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM or type == METRIC_DATA_TYPE_SUMMARY)",
            false},
           {R"(aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA)", true},
           {R"(aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE)", false},
           {R"(aggregation_temporality == AGGREGATION_TEMPORALITY_UNSPECIFIED)", false},
           {R"(is_monotonic == true and metadata["m"] == "x")", true},
           {R"(HasAttrKeyOnDatapoint("method"))", true},
           {R"(HasAttrKeyOnDatapoint("status"))", false},
           {R"(HasAttrOnDatapoint("method", "GET"))", true},
           {R"(HasAttrOnDatapoint("method", "PUT"))", false},
       }},
      {kDataPoint,
       {
           {R"(attributes["method"] == "GET" and metric.name == "requests")", true},
           {R"(value_int == 42 and value_double == 0.0)", true},
           {R"(start_time_unix_nano == 10 and datapoint.time_unix_nano == 20)", true},
           {R"(flags == FLAG_NO_RECORDED_VALUE and flags != FLAG_NONE)", true},
           {R"(count == nil and sum == nil)", true},
           {R"(metric.is_monotonic == true)", true},
       }},
      {kLog,
       {
           {R"(IsMatch(body, "password"))", true},
           {R"(body == "password=1" and body.string == "password=1")", true},
           {R"(body["key"] == nil)", true},
           {R"(severity_number < SEVERITY_NUMBER_ERROR)", true},
           {R"(severity_number == SEVERITY_NUMBER_WARN)", true},
           {R"(severity_number >= SEVERITY_NUMBER_WARN2)", false},
           {R"(severity_number == SEVERITY_NUMBER_UNSPECIFIED)", false},
           {R"(severity_text == "WARN")", true},
           {R"(time_unix_nano == 30 and observed_time_unix_nano == 40)", true},
           {R"(time < observed_time)", true},
           {R"(attributes["k"] == "v" and log.attributes["k"] == "v")", true},
           {R"(dropped_attributes_count == 9 and flags == 1)", true},
           {R"(trace_id.string == "0102030405060708090a0b0c0d0e0f10")", true},
           {R"(trace_id != TraceID(0x00000000000000000000000000000000))", true},
           {R"(span_id.string == "0102030405060708" and span_id == SpanID(0x0102030405060708))",
            true},
           {R"(event_name == "")", true},
           {R"(scope.name == "lib")", true},
       }},
      {kResource,
       {
           {R"(attributes["service.name"] == "shop")", true},
           {R"(resource.attributes["service.name"] == "x" or dropped_attributes_count == 3)", true},
       }},
  };
  return kRows;
}

TEST(OttlTest, GivesTheRightAnswerForEveryOperatorPathAndFunction) {
  Sample sample;
  for (const auto& [scope, rows] : Rows()) {
    for (const Row& row : rows) {
      SCOPED_TRACE(row.condition);
      const auto condition = OttlCondition::Parse(row.condition, scope);
      ASSERT_TRUE(condition) << condition.error().message;
      OttlContext context = sample.Context(scope);
      EXPECT_EQ(condition->Evaluate(context), row.truth ? Truth::kTrue : Truth::kFalse)
          << context.error;
    }
  }
}

TEST(OttlTest, ReadsHistogramsAsHistograms) {
  Sample sample;
  const auto condition = OttlCondition::Parse(
      R"(count == 9 and sum == 4.5 and attributes["method"] == "PUT" and value_int == nil)",
      OttlScope::kDataPoint);
  ASSERT_TRUE(condition) << condition.error().message;
  OttlContext context = sample.Context(OttlScope::kDataPoint, false);
  EXPECT_EQ(condition->Evaluate(context), Truth::kTrue);
}

// A path or function that has no row above can't be added without one.
TEST(OttlTest, HasARowForEachPathAndFunction) {
  for (const auto& [scope, rows] : Rows()) {
    std::string all;
    for (const Row& row : rows) all += std::string(row.condition) + "\n";
    for (const std::string& function : OttlFunctions(scope)) {
      if (scope == OttlScope::kSpan || function.starts_with("HasAttr")) {
        EXPECT_THAT(all, HasSubstr(function + "("));
      }
    }
    for (const std::string& path : OttlPath::All(scope)) {
      // Sections that several scopes share are the same table: their rows stand in one scope.
      if (path.find('.') == std::string::npos) {
        EXPECT_THAT(all, HasSubstr(path));
      }
    }
  }
}

TEST(OttlTest, HasAPlaceInTheDocumentationForEachPathAndFunction) {
  std::ifstream file("docs/processors.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(page.empty());
  for (const auto& [scope, rows] : Rows()) {
    for (const std::string& function : OttlFunctions(scope)) {
      EXPECT_THAT(page, HasSubstr("`" + function));
    }
    for (std::string path : OttlPath::All(scope)) {
      // Those of others stand there by the name of their section.
      const bool foreign = path.starts_with("resource.") || path.starts_with("scope.") ||
                           path.starts_with("instrumentation_scope.");
      if (foreign) path.erase(0, path.find('.') + 1);
      for (const char* own : {"span.", "spanevent.", "metric.", "datapoint.", "log."}) {
        if (path.starts_with(own)) path.erase(0, path.find('.') + 1);
      }
      EXPECT_TRUE(page.find("`" + path + "`") != std::string::npos ||
                  page.find("`" + path + "[]`") != std::string::npos ||
                  page.find("`resource." + path + "`") != std::string::npos)
          << path;
    }
  }
}

struct Mistake {
  const char* condition;
  const char* error;
};

TEST(OttlTest, NamesThePlaceOfEachMistake) {
  const std::vector<Mistake> mistakes = {
      {R"(name == 'x')", "line 1, column 9: texts stand in double quotes"},
      {R"(name = "x")", "line 1, column 6: equality is written =="},
      {R"(name == "x)", "line 1, column 9: the text is not closed"},
      {R"(name == "\d")", R"(column 10: unknown escape; a backslash in a pattern is written \\)"},
      {R"(name == "x" && true)", "column 13: the operators are the words and, or, not"},
      {R"(nam == "x")", "column 1: there is no path nam (did you mean name?)"},
      {R"(duration > 1)", "there is no path duration: compare end_time_unix_nano - start_time"},
      {R"(qqqqqqqqqqqq > 1)", "there is no path qqqqqqqqqqqq (there are: trace_id, "},
      {R"(name["x"] == "y")", "name has no keys"},
      {R"(attributes[name] == "y")", "column 12: a key is a text in quotes or a number"},
      {R"(attributes["a" == 1)", "column 16: a ] is missing"},
      {R"(name)", "column 1: a comparison is missing: a value alone is neither true nor false"},
      {R"(true and name)", "column 10: a comparison is missing"},
      {R"((name == "a") == true)", "column 1: a comparison is no value"},
      {R"(name == "a" == true)", "column 13: the condition should end here"},
      {R"((name == "a")", "column 13: a ) is missing"},
      {R"(name == )", "something is missing at the end"},
      {R"()", "something is missing at the end"},
      {R"(IsMatsh(name, "a"))", "there is no function IsMatsh (did you mean IsMatch?)"},
      {R"(HasAttrKeyOnDatapoint("a"))", "there is no function HasAttrKeyOnDatapoint"},
      {R"(IsMatch(name))", "IsMatch takes 2 arguments, not 1"},
      {R"(IsMatch(name, "("))", "is no pattern: missing )"},
      {R"(IsMatch(name, name))", "the pattern of IsMatch must be a text in quotes"},
      {R"(kind == SPAN_KIND_SERVERS)", "there is no constant SPAN_KIND_SERVERS"},
      {R"(attributes["a"] == [1])", "lists are not supported"},
      {R"(1x == 1)", "a number ends with a digit"},
      {R"(99999999999999999999 == 1)", "the number is too large for 64 bits"},
      {R"(0xf == 0xf)", "0x needs pairs of hexadecimal digits"},
      {"true and\n  nam == \"x\"", "line 2, column 3: there is no path nam"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.condition);
    const auto condition = OttlCondition::Parse(mistake.condition, OttlScope::kSpan);
    ASSERT_FALSE(condition);
    EXPECT_THAT(condition.error().message, HasSubstr(mistake.error));
  }
}

TEST(OttlTest, RefusesDepthAndLengthWithoutEnd) {
  const std::string deep = std::string(100000, '(') + "true" + std::string(100000, ')');
  EXPECT_FALSE(OttlCondition::Parse(deep, OttlScope::kSpan));
  const std::string nested = std::string(1000, '(') + "true" + std::string(1000, ')');
  EXPECT_FALSE(OttlCondition::Parse(nested, OttlScope::kSpan));
  std::string nots;
  for (int i = 0; i < 10001; ++i) nots += "not ";
  const auto many = OttlCondition::Parse(nots + "true", OttlScope::kSpan);
  ASSERT_TRUE(many);
  OttlContext context;
  EXPECT_EQ(many->Evaluate(context), Truth::kFalse);
}

TEST(OttlTest, SaysWhyAnEvaluationFails) {
  const std::vector<Mistake> mistakes = {
      {R"(attributes["int"] + 1.5 > 1)", "can't calculate an int + a double"},
      {R"(attributes["int"] / 0 > 1)", "can't calculate an int / zero"},
      {R"(attributes["text"] - 1 > 1)", "can't calculate a string - an int"},
      {R"(Len(attributes["int"]) > 1)", "Len: an int has no length"},
      {R"(ToLowerCase(attributes["absent"]) == "x")", "nil is no string"},
      {R"(Int(attributes["int"]) and true)", "an int stands where a boolean is needed"},
      {R"(Duration("x") == nil)", "Duration: no duration"},
      {R"(TraceID("x") == trace_id)", "an id of 16 bytes is expected"},
  };
  Sample sample;
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.condition);
    const auto condition = OttlCondition::Parse(mistake.condition, OttlScope::kSpan);
    ASSERT_TRUE(condition) << condition.error().message;
    OttlContext context = sample.Context(OttlScope::kSpan);
    EXPECT_EQ(condition->Evaluate(context), Truth::kError);
    EXPECT_THAT(context.error, HasSubstr(mistake.error));
  }
}

TEST(OttlTest, DecidesWithoutAskingWhatDoesNotMatter) {
  Sample sample;
  for (const char* text : {R"(true or Len(1) > 1)", R"(not (false and Len(1) > 1))"}) {
    const auto condition = OttlCondition::Parse(text, OttlScope::kSpan);
    ASSERT_TRUE(condition);
    OttlContext context = sample.Context(OttlScope::kSpan);
    EXPECT_EQ(condition->Evaluate(context), Truth::kTrue);
  }
}

TEST(OttlTest, ReadsGoDurations) {
  const std::vector<std::pair<const char*, std::int64_t>> good = {{"0", 0},
                                                                  {"5ns", 5},
                                                                  {"1.5us", 1500},
                                                                  {"2ms", 2000000},
                                                                  {"1h1m1s", 3661000000000},
                                                                  {"-3s", -3000000000},
                                                                  {"\xc2\xb5s", 0}};
  for (const auto& [text, wanted] : good) {
    std::int64_t ns = 0;
    const bool ok = ParseGoDuration(text, ns);
    if (std::string_view(text) == "\xc2\xb5s") {
      EXPECT_FALSE(ok);
      continue;
    }
    EXPECT_TRUE(ok) << text;
    EXPECT_EQ(ns, wanted) << text;
  }
  for (const char* text : {"", "1", "s", "1x", "1.s.", "--1s", "99999999999h"}) {
    std::int64_t ns = 0;
    EXPECT_FALSE(ParseGoDuration(text, ns)) << text;
  }
}

}  // namespace
}  // namespace wirespan::gateway
