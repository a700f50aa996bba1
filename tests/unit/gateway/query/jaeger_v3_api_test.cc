// API v3's answers, parsed again and compared with what was written.
#include "gateway/query/jaeger_v3_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "gateway/query/rfc3339.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::query {
namespace {

using nlohmann::json;
using store::testing::kStartNs;
using store::testing::TestSpan;

// 2023-11-14T22:13:20Z is kStartNs.
constexpr const char* kHour =
    "query.startTimeMin=2023-11-14T22:00:00Z&query.startTimeMax=2023-11-14T23:00:00Z";

class JaegerV3ApiTest : public ::testing::Test {
 protected:
  void Write(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(store::testing::Request(spans),
                   [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
  }
  json Get(const std::string& path, const std::string& query = "", int status = 200) {
    const http::Response response =
        Whole(api_.Answer({.method = "GET", .path = "/api/v3/" + path, .query = query}, nullptr));
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(response.body, nullptr, false);
  }
  std::string Refused(const std::string& path, const std::string& query, int status = 400) {
    const json body = Get(path, query, status);
    EXPECT_EQ(body["error"]["httpCode"], status);
    return body["error"]["message"];
  }
  static std::set<std::string> SpanIds(const json& body) {
    std::set<std::string> ids;
    for (const json& resource : body["result"]["resourceSpans"]) {
      for (const json& scope : resource["scopeSpans"]) {
        for (const json& span : scope["spans"]) ids.insert(span["spanId"]);
      }
    }
    return ids;
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<queue::testing::UnsyncedFolder> folder_ =
      std::make_shared<queue::testing::UnsyncedFolder>();
  std::unique_ptr<store::TraceStore> store_ =
      store::TraceStore::Open(folder_->Mount(), {.directory = "test"}, clock_).value();
  JaegerV3Api api_{*store_};
};

TEST_F(JaegerV3ApiTest, ListsServicesAndOperations) {
  EXPECT_EQ(Get("services"), (json{{"services", json::array()}}));
  Write({{.id = 1, .service = "b", .name = "x", .kind = 2},
         {.id = 2, .service = "a", .name = "y", .kind = 3},
         {.id = 3, .service = "a", .name = "z", .kind = 0}});
  EXPECT_EQ(Get("services"), (json{{"services", {"a", "b"}}}));
  EXPECT_EQ(Get("operations", "service=a")["operations"],
            (json{{{"name", "y"}, {"spanKind", "client"}}, {{"name", "z"}}}));
  EXPECT_EQ(Get("operations", "service=a&spanKind=client")["operations"].size(), 1u);
  EXPECT_EQ(Get("operations", "service=a&span_kind=server")["operations"].size(), 0u);
}

TEST_F(JaegerV3ApiTest, ManySpansComeInPieces) {
  std::vector<TestSpan> spans;
  for (std::uint64_t i = 1; i <= 3000; ++i) {
    spans.push_back({.trace = 1 + i % 3, .id = i, .service = i % 2 == 0 ? "even" : "odd"});
  }
  Write(spans);
  ApiAnswer answer =
      api_.Answer({.method = "GET", .path = "/api/v3/traces", .query = kHour}, nullptr);
  ASSERT_TRUE(answer.rest);
  std::string text = answer.response.body;
  std::size_t pieces = 0;
  for (bool more = true; more; ++pieces) more = answer.rest(text).value();
  EXPECT_GT(pieces, 5u);
  const json body = json::parse(text);
  EXPECT_EQ(SpanIds(body).size(), 3000u);
}

TEST_F(JaegerV3ApiTest, ATraceIsOtlp) {
  Write({{.trace = 1, .id = 0xab, .service = "front", .duration_ns = 1234567, .error = true},
         {.trace = 1, .id = 0xac, .parent = 0xab, .service = "back", .numbers = {{"n", 5}}},
         {.trace = 2, .id = 0xad}});
  const std::string id = "00000000000000070000000000000001";
  const json body = Get("traces/" + id);
  EXPECT_EQ(SpanIds(body), (std::set<std::string>{"00000000000000ab", "00000000000000ac"}));
  for (const json& resource : body["result"]["resourceSpans"]) {
    const json& span = resource["scopeSpans"][0]["spans"][0];
    EXPECT_EQ(span["traceId"], id);
    EXPECT_EQ(span["kind"], 2);
    EXPECT_EQ(span["startTimeUnixNano"], std::to_string(kStartNs));
    if (span["spanId"] == "00000000000000ab") {
      EXPECT_EQ(span["endTimeUnixNano"], std::to_string(kStartNs + 1234567));
      EXPECT_EQ(span["status"], (json{{"code", 2}}));
    } else {
      EXPECT_EQ(span["parentSpanId"], "00000000000000ab");
      EXPECT_EQ(span["attributes"], (json{{{"key", "n"}, {"value", {{"intValue", "5"}}}}}));
    }
  }
  EXPECT_EQ(Refused("traces/99", "", 404), "No traces found");
  EXPECT_TRUE(Refused("traces/xyz", "").starts_with("malformed parameter trace_id: "));
  EXPECT_TRUE(Refused("traces/1", "startTime=now").starts_with("malformed parameter startTime: "));
  EXPECT_TRUE(Refused("traces/1", "raw_traces=x").starts_with("malformed parameter raw_traces: "));
}

TEST_F(JaegerV3ApiTest, SearchesInBothSpellings) {
  Write({{.trace = 1, .id = 1, .service = "a", .name = "x", .duration_ns = 5'000'000},
         {.trace = 2, .id = 2, .service = "a", .name = "y", .start_ns = kStartNs + 1000},
         {.trace = 3, .id = 3, .service = "b", .start_ns = kStartNs + 2000},
         {.trace = 4, .id = 4, .service = "a", .start_ns = kStartNs + 3600'000'000'000}});
  const auto found = [&](const std::string& more) {
    return SpanIds(Get("traces", std::string(kHour) + more)).size();
  };
  EXPECT_EQ(found(""), 3u);
  EXPECT_EQ(found("&query.serviceName=a"), 2u);
  EXPECT_EQ(found("&query.service_name=a&query.operation_name=y"), 1u);
  EXPECT_EQ(found("&query.durationMin=4ms"), 1u);
  EXPECT_EQ(found("&query.duration_max=4ms"), 2u);
  EXPECT_EQ(found("&query.searchDepth=2"), 2u);
  EXPECT_EQ(found("&query.num_traces=1"), 1u);
  EXPECT_EQ(SpanIds(Get("traces",
                        "query.start_time_min=2023-11-14T23:13:20%2B00:00&query.start_time_max="
                        "2023-11-15T01:13:20.5%2B01:00&query.service_name=a"))
                .size(),
            1u);
  EXPECT_EQ(Refused("traces", std::string(kHour) + "&query.serviceName=nobody", 404),
            "No traces found");
  EXPECT_EQ(Refused("traces", "query.startTimeMin=2023-11-14T22:00:00Z"),
            "query.startTimeMin and query.startTimeMax are required");
  for (const char* wrong : {"query.searchDepth=x", "query.num_traces=-1", "query.durationMin=5",
                            "query.duration_max=x", "query.rawTraces=perhaps"}) {
    const std::string_view name =
        std::string_view(wrong).substr(0, std::string_view(wrong).find('='));
    EXPECT_TRUE(Refused("traces", std::string(kHour) + "&" + wrong)
                    .starts_with(fmt::format("malformed parameter {}: ", name)));
  }
}

TEST(Rfc3339Test, ReadsWhatTheRfcAllows) {
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:00Z"), 0u);
  EXPECT_EQ(ParseRfc3339("2023-11-14T22:13:20Z"), kStartNs);
  EXPECT_EQ(ParseRfc3339("2023-11-14t23:13:20.000000001+01:00"), kStartNs + 1);
  EXPECT_EQ(ParseRfc3339("2023-11-14T16:43:20.5-05:30"), kStartNs + 500'000'000);
  EXPECT_EQ(ParseRfc3339("2024-02-29T00:00:00Z"), 1'709'164'800'000'000'000u);
  for (const char* wrong :
       {"", "2023-11-14", "2023-11-14 22:13:20Z", "2023-11-14T22:13:20", "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:13:60Z",
        "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+0100", "2023-11-14T22:13:20Zx",
        "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "+023-11-14T22:13:20Z"}) {
    EXPECT_EQ(ParseRfc3339(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace wirespan::gateway::query
