// The API's answers, parsed again and compared with what was written.
#include "gateway/query/jaeger_api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::query {
namespace {

using nlohmann::json;
using store::testing::kStartNs;
using store::testing::TestSpan;

class JaegerApiTest : public ::testing::Test {
 protected:
  void Write(const std::vector<TestSpan>& spans) { WriteBytes(store::testing::Request(spans)); }
  void WriteBytes(std::string request) {
    std::promise<Result<>> written;
    store_->Append(std::move(request), [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
  }

  json Get(const std::string& path, const std::string& query = "", int status = 200) {
    const http::Response response =
        Whole(api_.Answer({.method = "GET", .path = path, .query = query}, nullptr));
    EXPECT_EQ(response.status, status) << response.body;
    const json body = json::parse(response.body, nullptr, false);
    EXPECT_FALSE(body.is_discarded()) << response.body;
    for (const char* key : {"data", "total", "limit", "offset", "errors"}) {
      EXPECT_TRUE(body.contains(key)) << key;
    }
    return body;
  }
  std::string Refused(const std::string& path, const std::string& query, int status) {
    const json body = Get(path, query, status);
    EXPECT_TRUE(body["data"].is_null());
    EXPECT_EQ(body["errors"][0]["code"], status);
    return body["errors"][0]["msg"];
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<queue::testing::UnsyncedFolder> folder_ =
      std::make_shared<queue::testing::UnsyncedFolder>();
  std::unique_ptr<store::TraceStore> store_ =
      store::TraceStore::Open(folder_->Mount(), {.directory = "test"}, clock_).value();
  JaegerApi api_{*store_, clock_};
};

std::string TraceText(std::uint64_t trace) { return fmt::format("{:016x}{:016x}", 7, trace); }

TEST_F(JaegerApiTest, ListsServicesAndOperations) {
  EXPECT_EQ(Get("/api/services")["data"], json::array());
  Write({{.service = "a/b", .name = "x", .kind = 2},
         {.id = 2, .service = "a/b", .name = "x", .kind = 3},
         {.id = 3, .service = "c", .name = "y", .kind = 0}});
  const json services = Get("/api/services");
  EXPECT_EQ(services["data"], (json{"a/b", "c"}));
  EXPECT_EQ(services["total"], 2);
  EXPECT_EQ(services["errors"], nullptr);
  EXPECT_EQ(Get("/api/services/a%2Fb/operations")["data"], json{"x"});
  EXPECT_EQ(Get("/api/services/nobody/operations")["data"], json::array());
  EXPECT_EQ(
      Get("/api/operations", "service=a%2Fb")["data"],
      (json{{{"name", "x"}, {"spanKind", "server"}}, {{"name", "x"}, {"spanKind", "client"}}}));
  EXPECT_EQ(Get("/api/operations", "service=a%2Fb&spanKind=client")["total"], 1);
  EXPECT_EQ(Get("/api/operations", "service=c")["data"], (json{{{"name", "y"}, {"spanKind", ""}}}));
  EXPECT_EQ(Refused("/api/operations", "", 400), "parameter 'service' is required");
}

TEST_F(JaegerApiTest, ATraceHasJaegersShape) {
  Write({{.trace = 1, .id = 0xab, .service = "front", .name = "GET /", .duration_ns = 1234567},
         {.trace = 1,
          .id = 2,
          .parent = 0xab,
          .service = "back",
          .name = "q\"uote",
          .kind = 3,
          .error = true,
          .texts = {{"k", "v"}},
          .numbers = {{"n", 5}, {"large", (std::int64_t{1} << 53)}}}});
  const json body = Get("/api/traces/" + TraceText(1));
  ASSERT_EQ(body["data"].size(), 1u);
  const json& trace = body["data"][0];
  EXPECT_EQ(trace["traceID"], TraceText(1));
  EXPECT_EQ(trace["warnings"], nullptr);
  ASSERT_EQ(trace["spans"].size(), 2u);
  for (const json& span : trace["spans"]) {
    EXPECT_EQ(span["traceID"], TraceText(1));
    EXPECT_EQ(span["startTime"], kStartNs / 1000);
    EXPECT_EQ(span["logs"], json::array());
    const json& process = trace["processes"][span["processID"].get<std::string>()];
    if (span["spanID"] == "00000000000000ab") {
      EXPECT_EQ(span["references"], json::array());
      EXPECT_EQ(span["duration"], 1234);
      EXPECT_EQ(process,
                (json{{"serviceName", "front"},
                      {"tags",
                       {{{"key", "host.name"}, {"type", "string"}, {"value", "host-of-front"}}}}}));
      continue;
    }
    EXPECT_EQ(span["operationName"], "q\"uote");
    EXPECT_EQ(span["references"], (json{{{"refType", "CHILD_OF"},
                                         {"traceID", TraceText(1)},
                                         {"spanID", "00000000000000ab"}}}));
    EXPECT_EQ(process["serviceName"], "back");
    EXPECT_EQ(span["tags"],
              (json{{{"key", "k"}, {"type", "string"}, {"value", "v"}},
                    {{"key", "n"}, {"type", "int64"}, {"value", 5}},
                    {{"key", "large"}, {"type", "int64"}, {"value", "9007199254740992"}},
                    {{"key", "span.kind"}, {"type", "string"}, {"value", "client"}},
                    {{"key", "otel.status_code"}, {"type", "string"}, {"value", "ERROR"}},
                    {{"key", "error"}, {"type", "bool"}, {"value", true}}}));
  }
}

TEST_F(JaegerApiTest, SearchesByAllItsParameters) {
  Write({{.trace = 1, .id = 1, .name = "a", .duration_ns = 5'000'000, .texts = {{"user", "7"}}},
         {.trace = 2, .id = 2, .name = "b", .start_ns = kStartNs - 1'000'000'000},
         {.trace = 3, .id = 3, .name = "b", .error = true}});
  const auto ids = [&](const std::string& query) {
    std::vector<std::string> found;
    const json body = Get("/api/traces", query);
    for (const json& trace : body["data"]) found.push_back(trace["traceID"]);
    std::sort(found.begin(), found.end());
    return found;
  };
  using Ids = std::vector<std::string>;
  const std::string one = TraceText(1), two = TraceText(2), three = TraceText(3);
  EXPECT_EQ(ids("service=shop"), (Ids{one, two, three}));
  EXPECT_EQ(ids("service=other"), Ids{});
  EXPECT_EQ(ids("service=shop&limit=1").size(), 1u);
  EXPECT_EQ(ids("service=shop&operation=b"), (Ids{two, three}));
  EXPECT_EQ(ids("service=shop&tags=%7B%22error%22%3A%22true%22%7D"), Ids{three});
  EXPECT_EQ(ids("service=shop&tag=user:7"), Ids{one});
  EXPECT_EQ(ids("service=shop&tag=user:7&tag=error:true"), Ids{});
  EXPECT_EQ(ids("service=shop&minDuration=2ms"), Ids{one});
  EXPECT_EQ(ids("service=shop&maxDuration=2ms"), (Ids{two, three}));
  EXPECT_EQ(ids(fmt::format("service=shop&start={}", kStartNs / 1000)), (Ids{one, three}));
  EXPECT_EQ(ids(fmt::format("service=shop&end={}", kStartNs / 1000 - 1)), Ids{two});
  EXPECT_EQ(ids("traceID=" + one + "&traceID=" + three), (Ids{one, three}));
  const json some = Get("/api/traces", "traceID=" + one + "&traceID=99");
  EXPECT_EQ(some["data"].size(), 1u);
  EXPECT_EQ(some["errors"], (json{{{"msg", "trace not found"}, {"traceID", "0000000000000099"}}}));
}

TEST_F(JaegerApiTest, ManySpansComeInPieces) {
  std::vector<TestSpan> spans;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    spans.push_back({.trace = 1 + i % 3, .id = i, .service = i % 2 == 0 ? "even" : "odd"});
  }
  Write(spans);
  const auto query = fmt::format("traceID={}&traceID={}&traceID={}&traceID=99", TraceText(1),
                                 TraceText(2), TraceText(3));
  ApiAnswer answer = api_.Answer({.method = "GET", .path = "/api/traces", .query = query}, nullptr);
  ASSERT_TRUE(answer.rest);
  std::string text = answer.response.body;
  std::size_t pieces = 0;
  for (bool more = true; more; ++pieces) {
    const std::size_t before = text.size();
    more = answer.rest(text).value();
    EXPECT_LT(text.size() - before, 80u << 10);
  }
  EXPECT_GT(pieces, 5u);
  const json body = json::parse(text);
  ASSERT_EQ(body["data"].size(), 3u);
  EXPECT_EQ(body["errors"].size(), 1u);
  std::set<std::string> ids;
  for (const json& trace : body["data"]) {
    EXPECT_EQ(trace["processes"].size(), 2u);
    for (const json& span : trace["spans"]) {
      ids.insert(span["spanID"]);
      const bool even = std::stoul(span["spanID"].get<std::string>(), nullptr, 16) % 2 == 0;
      EXPECT_EQ(trace["processes"][span["processID"].get<std::string>()]["serviceName"],
                even ? "even" : "odd");
    }
  }
  EXPECT_EQ(ids.size(), 2000u);
}

TEST_F(JaegerApiTest, RefusesInJaegersWords) {
  EXPECT_EQ(Refused("/api/traces", "", 400), "parameter 'service' is required");
  EXPECT_EQ(Refused("/api/traces", "service=a&minDuration=2s&maxDuration=1s", 400),
            "'maxDuration' should be greater than 'minDuration'");
  EXPECT_EQ(Refused("/api/traces", "service=a&start=x", 400),
            "unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax");
  EXPECT_EQ(Refused("/api/traces", "service=a&minDuration=x", 400),
            "unable to parse param 'minDuration': time: invalid duration \"x\"");
  EXPECT_EQ(Refused("/api/traces", "service=a&tag=x", 400),
            "malformed 'tag' parameter, expecting key:value, received: x");
  EXPECT_THAT(Refused("/api/traces", "service=a&tags=x", 400),
              ::testing::HasSubstr("malformed 'tags' parameter"));
  EXPECT_THAT(Refused("/api/traces", "service=a&limit=x", 400), ::testing::HasSubstr("ParseInt"));
  EXPECT_EQ(Refused("/api/traces", "traceID=xyz", 400),
            "cannot parse traceID param: strconv.ParseUint: parsing \"xyz\": invalid syntax");
  EXPECT_EQ(Refused("/api/traces/12", "", 404), "trace not found");
  EXPECT_THAT(Refused("/api/traces/" + std::string(33, '1'), "", 400),
              ::testing::HasSubstr("longer than 32"));
  EXPECT_EQ(Refused("/api/nothing", "", 404), "no such page");
  const auto post = Whole(api_.Answer({.method = "POST", .path = "/api/services"}, nullptr));
  EXPECT_EQ(post.status, 405);
}

TEST_F(JaegerApiTest, CountsDependencies) {
  Write({{.trace = 1, .id = 1, .service = "front"},
         {.trace = 1, .id = 2, .parent = 1, .service = "back"},
         {.trace = 1, .id = 3, .parent = 2, .service = "db"}});
  const std::string window = fmt::format("endTs={}&lookback=3600000", kStartNs / 1000000 + 60000);
  EXPECT_EQ(Get("/api/dependencies", window)["data"],
            (json{{{"parent", "back"}, {"child", "db"}, {"callCount", 1}},
                  {{"parent", "front"}, {"child", "back"}, {"callCount", 1}}}));
  EXPECT_EQ(Get("/api/dependencies", window + "&service=front")["data"].size(), 1u);
  EXPECT_EQ(Get("/api/dependencies", "endTs=1000&lookback=1")["data"], json::array());
  EXPECT_THAT(Refused("/api/dependencies", "endTs=x", 400), ::testing::HasSubstr("endTs"));
}

TEST_F(JaegerApiTest, KeepsEveryKindOfValue) {
  otlp::Writer bytes;
  bytes.Bytes(7, std::string_view("\x00\xff", 2));
  otlp::Writer array;
  array.Bytes(1, [] {
    otlp::Writer text;
    text.Bytes(1, "x");
    return text.Take();
  }());
  otlp::Writer list;
  list.Bytes(5, array.view());
  otlp::Writer later;
  later.Bytes(99, "a kind that nobody knows");
  otlp::Writer span;
  span.Bytes(1, store::ToBytes({7, 1}));
  span.Bytes(2, store::testing::IdBytes(1));
  span.Fixed64(7, kStartNs);
  span.Fixed64(8, kStartNs);
  for (const auto& [key, value] :
       {std::pair{"bytes", bytes.view()}, {"list", list.view()}, {"later", later.view()}}) {
    otlp::Writer pair;
    pair.Bytes(1, key);
    pair.Bytes(2, value);
    span.Bytes(9, pair.view());
  }
  otlp::Writer scope;
  scope.Bytes(2, span.view());
  otlp::Writer resource;
  resource.Bytes(2, scope.view());
  otlp::Writer request;
  request.Bytes(1, resource.view());
  WriteBytes(request.Take());
  const json trace = Get("/api/traces/" + TraceText(1))["data"][0];
  EXPECT_EQ(trace["processes"]["p1"]["serviceName"], "unknown_service");
  const json& tags = trace["spans"][0]["tags"];
  EXPECT_EQ(tags[0], (json{{"key", "bytes"}, {"type", "binary"}, {"value", "AP8="}}));
  EXPECT_EQ(tags[1], (json{{"key", "list"}, {"type", "string"}, {"value", "[\"x\"]"}}));
  EXPECT_EQ(tags[2]["key"], "later");
  const store::TraceId id{7, 1};
  const auto found = store_->Get(std::span(&id, 1), {});
  EXPECT_NE(found.traces.at(0).spans.find("a kind that nobody knows"), std::string::npos);
}

}  // namespace
}  // namespace wirespan::gateway::query
