#include "gateway/pipeline/attributes_processor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "gateway/pipeline/any_value.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

namespace proto = opentelemetry::proto;
using TraceRequest = proto::collector::trace::v1::ExportTraceServiceRequest;
using KeyValues = google::protobuf::RepeatedPtrField<proto::common::v1::KeyValue>;
using Kind = AttributeAction::Kind;
using Type = AttributeAction::Type;

proto::common::v1::KeyValue Pair(std::string key, std::string value) {
  proto::common::v1::KeyValue pair;
  pair.set_key(key);
  pair.mutable_value()->set_string_value(value);
  return pair;
}
proto::common::v1::KeyValue Pair(std::string key, const char* value) {
  return Pair(key, std::string(value));
}
proto::common::v1::KeyValue Pair(std::string key, int value) {
  proto::common::v1::KeyValue pair;
  pair.set_key(key);
  pair.mutable_value()->set_int_value(value);
  return pair;
}
proto::common::v1::KeyValue Pair(std::string key, double value) {
  proto::common::v1::KeyValue pair;
  pair.set_key(key);
  pair.mutable_value()->set_double_value(value);
  return pair;
}
proto::common::v1::KeyValue Pair(std::string key, bool value) {
  proto::common::v1::KeyValue pair;
  pair.set_key(key);
  pair.mutable_value()->set_bool_value(value);
  return pair;
}

std::string Show(const KeyValues& attributes) {
  std::string text;
  for (const auto& pair : attributes) {
    if (!text.empty()) text += ' ';
    text += pair.key() + '=';
    const auto& value = pair.value();
    switch (value.value_case()) {
      case proto::common::v1::AnyValue::kStringValue:
        text += '"' + value.string_value() + '"';
        break;
      case proto::common::v1::AnyValue::kIntValue:
        text += std::to_string(value.int_value());
        break;
      case proto::common::v1::AnyValue::kDoubleValue:
        text += fmt::format("{:.1f}", value.double_value());
        break;
      case proto::common::v1::AnyValue::kBoolValue:
        text += value.bool_value() ? "true" : "false";
        break;
      default:
        text += value.ShortDebugString();
    }
  }
  return text;
}

std::string TextValue(std::string_view text) {
  std::string message;
  AppendAnyValue(message, AnyValue::String(text));
  return message;
}

Pattern Compiled(std::string_view text) {
  auto pattern = Pattern::Compile(text);
  EXPECT_TRUE(pattern) << pattern.error().message;
  return *pattern;
}

template <class Request>
Request Through(Processor& processor, Collected& next, const Request& request, Signal signal,
                std::shared_ptr<const Metadata> metadata = nullptr) {
  Batch batch;
  batch.signal = signal;
  batch.items = 1;
  batch.bytes = Bytes(request.SerializeAsString());
  batch.metadata = std::move(metadata);
  processor.Consume(std::move(batch));
  Request after;
  EXPECT_TRUE(after.ParseFromString(next.at(next.size() - 1).bytes.ToString()));
  return after;
}

struct Row {
  const char* what;
  AttributeAction action;
  std::vector<proto::common::v1::KeyValue> before;
  std::string after;
};

class ActionTest : public testing::TestWithParam<Row> {};

TEST_P(ActionTest, LeavesWhatTheCollectorLeaves) {
  TraceRequest request;
  auto& span = *request.add_resource_spans()->add_scope_spans()->add_spans();
  for (const auto& pair : GetParam().before) *span.add_attributes() = pair;
  Collected next;
  AttributesProcessor processor("attributes", {.actions = {GetParam().action}}, next);
  const auto metadata =
      std::make_shared<const Metadata>(std::vector<Metadata::Entry>{{"x-tenant", {"a", "b"}}});
  const TraceRequest after = Through(processor, next, request, Signal::kTraces, metadata);
  EXPECT_EQ(Show(after.resource_spans(0).scope_spans(0).spans(0).attributes()), GetParam().after);
}

// The digests were computed by coreutils' sha256sum.
constexpr const char* kHashOfAlice =
    "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
constexpr const char* kHashOfOne =
    "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8";
constexpr const char* kHashOfTrue =
    "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a";

INSTANTIATE_TEST_SUITE_P(
    Actions, ActionTest,
    testing::Values(
        Row{"insert",
            {.kind = Kind::kInsert, .key = "k", .value = TextValue("v")},
            {Pair("a", 1)},
            R"(a=1 k="v")"},
        Row{"insert present",
            {.kind = Kind::kInsert, .key = "k", .value = TextValue("v")},
            {Pair("k", 1)},
            "k=1"},
        Row{"update",
            {.kind = Kind::kUpdate, .key = "k", .value = TextValue("v")},
            {Pair("k", 1), Pair("z", 2)},
            R"(k="v" z=2)"},
        Row{"update absent",
            {.kind = Kind::kUpdate, .key = "k", .value = TextValue("v")},
            {Pair("z", 2)},
            "z=2"},
        Row{"upsert present",
            {.kind = Kind::kUpsert, .key = "k", .value = TextValue("v")},
            {Pair("k", 1)},
            R"(k="v")"},
        Row{"upsert absent",
            {.kind = Kind::kUpsert, .key = "k", .value = TextValue("v")},
            {},
            R"(k="v")"},
        Row{"from attribute",
            {.kind = Kind::kUpsert, .key = "k", .from_attribute = "a"},
            {Pair("a", 1.5)},
            "a=1.5 k=1.5"},
        Row{"from an absent attribute",
            {.kind = Kind::kUpsert, .key = "k", .from_attribute = "a"},
            {Pair("b", 1)},
            "b=1"},
        Row{"from context",
            {.kind = Kind::kInsert, .key = "k", .from_context = MetadataKeyOf("metadata.X-Tenant")},
            {},
            R"(k="a;b")"},
        Row{"from context, short",
            {.kind = Kind::kInsert, .key = "k", .from_context = "x-tenant"},
            {},
            R"(k="a;b")"},
        Row{"from absent context",
            {.kind = Kind::kInsert, .key = "k", .from_context = "x-other"},
            {},
            ""},
        Row{"delete every one",
            {.kind = Kind::kDelete, .key = "k"},
            {Pair("k", 1), Pair("a", 2), Pair("k", 3)},
            "a=2"},
        Row{"delete by pattern",
            {.kind = Kind::kDelete, .pattern = Compiled("^pass")},
            {Pair("password", 1), Pair("bypass", 2), Pair("passive", 3)},
            "bypass=2"},
        Row{"hash a text",
            {.kind = Kind::kHash, .key = "k"},
            {Pair("k", "alice")},
            fmt::format("k=\"{}\"", kHashOfAlice)},
        Row{"hash a number",
            {.kind = Kind::kHash, .key = "k"},
            {Pair("k", 1)},
            fmt::format("k=\"{}\"", kHashOfOne)},
        Row{"hash a boolean",
            {.kind = Kind::kHash, .key = "k"},
            {Pair("k", true)},
            fmt::format("k=\"{}\"", kHashOfTrue)},
        Row{"hash the empty text", {.kind = Kind::kHash, .key = "k"}, {Pair("k", "")}, R"(k="")"},
        Row{"extract",
            {.kind = Kind::kExtract,
             .key = "url",
             .pattern = Compiled("^(?P<scheme>.*):\\/\\/(?P<host>[^/]*)(?P<query>\\?.*)?")},
            {Pair("url", "http://a.b/c"), Pair("host", "old")},
            R"(url="http://a.b/c" host="a.b" scheme="http" query="")"},
        Row{"extract no match",
            {.kind = Kind::kExtract, .key = "url", .pattern = Compiled("(?P<n>\\d+)")},
            {Pair("url", "none")},
            R"(url="none")"},
        Row{"extract from a number",
            {.kind = Kind::kExtract, .key = "n", .pattern = Compiled("(?P<d>\\d+)")},
            {Pair("n", 12)},
            "n=12"},
        Row{"convert text to int",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kInt},
            {Pair("k", "-12")},
            "k=-12"},
        Row{"convert text with a fraction to int",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kInt},
            {Pair("k", "1.5")},
            R"(k="1.5")"},
        Row{"convert double to int",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kInt},
            {Pair("k", -1.9)},
            "k=-1"},
        Row{"convert bool to int",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kInt},
            {Pair("k", true)},
            "k=1"},
        Row{"convert text to double",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kDouble},
            {Pair("k", "+1.5")},
            "k=1.5"},
        Row{"convert int to double",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kDouble},
            {Pair("k", 2)},
            "k=2.0"},
        Row{"convert int to text",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kString},
            {Pair("k", 2)},
            R"(k="2")"},
        Row{"convert double to text",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kString},
            {Pair("k", 2.5)},
            R"(k="2.5")"},
        Row{"convert text to bool",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kBool},
            {Pair("k", "T")},
            "k=true"},
        Row{"convert an absent one",
            {.kind = Kind::kConvert, .key = "k", .converted_type = Type::kBool},
            {Pair("z", 1)},
            "z=1"}),
    [](const auto& info) {
      std::string name;
      for (const char c : std::string(info.param.what)) name += std::isalnum(c) ? c : '_';
      return name;
    });

TEST(AnyValueTest, ShowsValuesAsGoDoes) {
  proto::common::v1::AnyValue map;
  auto& list = *map.mutable_kvlist_value();
  *list.add_values() = Pair("z", 1.0);
  *list.add_values() = Pair("a", "<&\"");
  auto& array = *list.add_values();
  array.set_key("l");
  array.mutable_value()->mutable_array_value()->add_values()->set_bytes_value("\x01\x02");
  array.mutable_value()->mutable_array_value()->add_values();
  std::string text;
  AppendAsString(text, ParseAnyValue(map.SerializeAsString()));
  EXPECT_EQ(text, R"({"a":"\u003c\u0026\"","l":["AQI=",null],"z":1})");
  const std::vector<std::pair<double, std::string>> numbers = {
      {1, "1"},
      {1.5, "1.5"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.25e-10, "1.25e-10"},
      {-0.1, "-0.1"},
      {123456789012345680, "123456789012345680"}};
  for (const auto& [number, shown] : numbers) {
    std::string number_text;
    AppendAsString(number_text, AnyValue::Double(number));
    EXPECT_EQ(number_text, shown);
  }
}

TEST(AttributesProcessorTest, EditsDataPointsOfEveryKindAndLogRecords) {
  proto::collector::metrics::v1::ExportMetricsServiceRequest metrics;
  auto& scope = *metrics.add_resource_metrics()->add_scope_metrics();
  *scope.add_metrics()->mutable_gauge()->add_data_points()->add_attributes() = Pair("k", 1);
  *scope.add_metrics()->mutable_sum()->add_data_points()->add_attributes() = Pair("k", 1);
  *scope.add_metrics()->mutable_histogram()->add_data_points()->add_attributes() = Pair("k", 1);
  *scope.add_metrics()->mutable_exponential_histogram()->add_data_points()->add_attributes() =
      Pair("k", 1);
  *scope.add_metrics()->mutable_summary()->add_data_points()->add_attributes() = Pair("k", 1);
  Collected next;
  AttributesProcessor processor(
      "attributes", {.actions = {{.kind = Kind::kUpdate, .key = "k", .value = TextValue("v")}}},
      next);
  const auto after = Through(processor, next, metrics, Signal::kMetrics);
  const auto& edited = after.resource_metrics(0).scope_metrics(0);
  EXPECT_EQ(Show(edited.metrics(0).gauge().data_points(0).attributes()), R"(k="v")");
  EXPECT_EQ(Show(edited.metrics(1).sum().data_points(0).attributes()), R"(k="v")");
  EXPECT_EQ(Show(edited.metrics(2).histogram().data_points(0).attributes()), R"(k="v")");
  EXPECT_EQ(Show(edited.metrics(3).exponential_histogram().data_points(0).attributes()),
            R"(k="v")");
  EXPECT_EQ(Show(edited.metrics(4).summary().data_points(0).attributes()), R"(k="v")");

  proto::collector::logs::v1::ExportLogsServiceRequest logs;
  auto& record = *logs.add_resource_logs()->add_scope_logs()->add_log_records();
  *record.add_attributes() = Pair("k", 1);
  const auto log = Through(processor, next, logs, Signal::kLogs);
  EXPECT_EQ(Show(log.resource_logs(0).scope_logs(0).log_records(0).attributes()), R"(k="v")");
}

TEST(AttributesProcessorTest, PassesTheSameBytesOnIfNothingChanges) {
  TraceRequest request;
  *request.add_resource_spans()->add_scope_spans()->add_spans()->add_attributes() = Pair("k", "v");
  Collected next;
  AttributesProcessor processor(
      "attributes",
      {.actions = {{.kind = Kind::kUpsert, .key = "k", .value = TextValue("v")},
                   {.kind = Kind::kDelete, .key = "absent"}}},
      next);
  Batch batch;
  batch.items = 1;
  batch.bytes = Bytes(request.SerializeAsString());
  const char* where = batch.bytes.pieces().front().view.data();
  processor.Consume(std::move(batch));
  EXPECT_EQ(next.at(0).bytes.pieces().front().view.data(), where);
}

// The actions on protobuf's objects, as plainly as can be.
void Reference(const std::vector<AttributeAction>& actions, KeyValues& attributes) {
  const auto find = [&](const std::string& key) -> proto::common::v1::KeyValue* {
    for (auto& pair : attributes) {
      if (pair.key() == key) return &pair;
    }
    return nullptr;
  };
  for (const AttributeAction& action : actions) {
    auto* present = find(action.key);
    proto::common::v1::AnyValue value;
    bool has_value = false;
    if (action.value) {
      has_value = value.ParseFromString(*action.value);
    } else if (auto* from = find(action.from_attribute)) {
      value = from->value();
      has_value = true;
    }
    switch (action.kind) {
      case Kind::kInsert:
        if (present != nullptr || !has_value) break;
        [[fallthrough]];
      case Kind::kUpsert:
        if (!has_value) break;
        if (present == nullptr) {
          present = attributes.Add();
          present->set_key(action.key);
        }
        *present->mutable_value() = value;
        break;
      case Kind::kUpdate:
        if (present != nullptr && has_value) *present->mutable_value() = value;
        break;
      case Kind::kDelete:
        for (int i = attributes.size() - 1; i >= 0; --i) {
          if (attributes[i].key() == action.key) attributes.DeleteSubrange(i, 1);
        }
        break;
      default:
        FAIL();
    }
  }
}

TEST(AttributesProcessorTest, DoesTheSameAsOnDecodedMessages) {
  std::mt19937 random(7);
  const auto key = [&] { return std::string(1, static_cast<char>('a' + random() % 5)); };
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    std::vector<AttributeAction> actions(random() % 4);
    for (AttributeAction& action : actions) {
      action.kind =
          std::array{Kind::kInsert, Kind::kUpdate, Kind::kUpsert, Kind::kDelete}[random() % 4];
      action.key = key();
      if (action.kind == Kind::kDelete) continue;
      if (random() % 2 == 0) {
        action.value = TextValue(std::string(random() % 200, 'v'));
      } else {
        action.from_attribute = key();
      }
    }
    TraceRequest request;
    for (unsigned r = random() % 3; r > 0; --r) {
      auto& scope = *request.add_resource_spans()->add_scope_spans();
      for (unsigned s = 1 + random() % 3; s > 0; --s) {
        auto& span = *scope.add_spans();
        span.set_name("span");
        span.mutable_status()->set_message("m");
        span.GetReflection()->MutableUnknownFields(&span)->AddVarint(99, random());
        for (unsigned a = random() % 6; a > 0; --a) {
          auto& pair = *span.add_attributes();
          pair = random() % 2 == 0 ? Pair(key(), static_cast<int>(random() % 100))
                                   : Pair(key(), std::string(random() % 150, 'x'));
          pair.GetReflection()->MutableUnknownFields(&pair)->AddVarint(77, 1);
        }
      }
    }
    Collected next;
    AttributesProcessor processor("attributes", {.actions = actions}, next);
    const TraceRequest after = Through(processor, next, request, Signal::kTraces);
    for (auto& resource : *request.mutable_resource_spans()) {
      for (auto& span : *resource.mutable_scope_spans(0)->mutable_spans()) {
        Reference(actions, *span.mutable_attributes());
      }
    }
    ASSERT_EQ(after.SerializeAsString(), request.SerializeAsString());
  }
}

TEST(ResourceProcessorTest, EditsEveryResourceAndNothingElse) {
  TraceRequest request;
  *request.add_resource_spans()->mutable_resource()->add_attributes() = Pair("host", "a");
  auto& bare = *request.add_resource_spans();
  *bare.add_scope_spans()->add_spans()->add_attributes() = Pair("env", "kept");
  Collected next;
  ResourceProcessor processor(
      "resource",
      {.actions = {{.kind = Kind::kUpsert, .key = "env", .value = TextValue("prod")},
                   {.kind = Kind::kDelete, .key = "host"}}},
      next);
  const TraceRequest after = Through(processor, next, request, Signal::kTraces);
  EXPECT_EQ(Show(after.resource_spans(0).resource().attributes()), R"(env="prod")");
  EXPECT_EQ(Show(after.resource_spans(1).resource().attributes()), R"(env="prod")");
  EXPECT_EQ(Show(after.resource_spans(1).scope_spans(0).spans(0).attributes()), R"(env="kept")");
}

struct MatchRow {
  const char* what;
  std::function<void(MatchProperties&)> set;
  bool matches;
};

TextSet Texts(bool regexp, std::vector<std::string> texts) {
  return *TextSet::Create(regexp, std::move(texts));
}

TEST(MatchPropertiesTest, MatchesWhatTheCollectorMatches) {
  TraceRequest request;
  auto& resource = *request.add_resource_spans();
  *resource.mutable_resource()->add_attributes() = Pair("service.name", "shop");
  *resource.mutable_resource()->add_attributes() = Pair("host", "h1");
  auto& scope = *resource.add_scope_spans();
  scope.mutable_scope()->set_name("lib");
  scope.mutable_scope()->set_version("1.2");
  auto& span = *scope.add_spans();
  span.set_name("GET /a");
  span.set_kind(proto::trace::v1::Span::SPAN_KIND_SERVER);
  *span.add_attributes() = Pair("n", 12);
  *span.add_attributes() = Pair("t", "text");

  const std::vector<MatchRow> rows = {
      {"service", [](auto& m) { m.services = Texts(false, {"x", "shop"}); }, true},
      {"other service", [](auto& m) { m.services = Texts(false, {"sho"}); }, false},
      {"service by pattern", [](auto& m) { m.services = Texts(true, {"^sh"}); }, true},
      {"name", [](auto& m) { m.span_names = Texts(false, {"GET /a"}); }, true},
      {"name by pattern", [](auto& m) { m.span_names = Texts(true, {"/b$"}); }, false},
      {"kind", [](auto& m) { m.span_kinds = Texts(false, {"SPAN_KIND_SERVER"}); }, true},
      {"other kind", [](auto& m) { m.span_kinds = Texts(false, {"SPAN_KIND_CLIENT"}); }, false},
      {"library", [](auto& m) { m.libraries = {{Texts(false, {"lib"}), {}}}; }, true},
      {"library's version",
       [](auto& m) { m.libraries = {{Texts(false, {"lib"}), Texts(false, {"1"})}}; }, false},
      {"resource", [](auto& m) { m.resources = {{"host", TextValue("h1"), {}}}; }, true},
      {"resource with another value",
       [](auto& m) { m.resources = {{"host", TextValue("h2"), {}}}; }, false},
      {"attribute present", [](auto& m) { m.attributes = {{"t", {}, {}}}; }, true},
      {"attribute absent", [](auto& m) { m.attributes = {{"u", {}, {}}}; }, false},
      {"number by pattern", [](auto& m) { m.attributes = {{"n", {}, Texts(true, {"^1"})}}; }, true},
      {"number is no text", [](auto& m) { m.attributes = {{"n", TextValue("12"), {}}}; }, false},
      {"all together",
       [](auto& m) {
         m.services = Texts(false, {"shop"});
         m.span_names = Texts(false, {"POST"});
       },
       false},
  };
  for (const MatchRow& row : rows) {
    SCOPED_TRACE(row.what);
    MatchProperties match;
    row.set(match);
    const std::vector<AttributeAction> mark = {
        {.kind = Kind::kInsert, .key = "m", .value = TextValue("v")}};
    Collected next;
    AttributesProcessor includes("attributes", {.actions = mark, .include = match}, next);
    AttributesProcessor excludes("attributes", {.actions = mark, .exclude = match}, next);
    const auto marked = [](const TraceRequest& after) {
      return after.resource_spans(0).scope_spans(0).spans(0).attributes_size() == 3;
    };
    EXPECT_EQ(marked(Through(includes, next, request, Signal::kTraces)), row.matches);
    EXPECT_EQ(marked(Through(excludes, next, request, Signal::kTraces)), !row.matches);
  }
}

}  // namespace
}  // namespace wirespan::gateway
