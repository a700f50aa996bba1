// The answers about rates, parsed again and compared with what was written.
#include "gateway/query/rates_api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::query {
namespace {

using nlohmann::json;
using store::testing::kStartNs;
using store::testing::TestSpan;

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kStartUs = kStartNs / 1000;

class RatesApiTest : public ::testing::Test {
 protected:
  void Write(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(store::testing::Request(spans),
                   [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
  }
  http::Response Ask(const std::string& path, const std::string& query = "") {
    return api_.Answer({.method = "GET", .path = path, .query = query}, nullptr);
  }
  json Get(const std::string& name, const std::string& query = "") {
    const http::Response response = Ask("/wirespan/api/" + name, query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body, nullptr, false);
  }
  std::string Refused(const std::string& name, const std::string& query) {
    const http::Response response = Ask("/wirespan/api/" + name, query);
    EXPECT_EQ(response.status, 400) << name << " " << query;
    return json::parse(response.body)["error"];
  }

  // shop calls cart 20 times, 1 to 20 ms; five of them fail.
  void WriteCalls() {
    std::vector<TestSpan> spans;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      spans.push_back({.trace = i,
                       .id = 2 * i,
                       .service = "shop",
                       .name = "call \"cart\"",
                       .kind = 3,
                       .duration_ns = i * 1'000'000 + 500});
      spans.push_back({.trace = i,
                       .id = 2 * i + 1,
                       .parent = 2 * i,
                       .service = "cart",
                       .name = i % 2 == 0 ? "GET /a" : "GET /b",
                       .start_ns = kStartNs + i * kNsPerS,
                       .duration_ns = i * 1'000'000,
                       .error = i % 4 == 0});
    }
    Write(spans);
    clock_.Advance(60 * kNsPerS);
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<queue::testing::UnsyncedFolder> folder_ =
      std::make_shared<queue::testing::UnsyncedFolder>();
  std::unique_ptr<store::TraceStore> store_ =
      store::TraceStore::Open(folder_->Mount(), {.directory = "test"}, clock_).value();
  store::CoverageTable coverage_;
  RatesApi api_{*store_, &coverage_, clock_};
};

void ExpectDurations(const json& entry, double p50_us, double p95_us, double p99_us) {
  EXPECT_NEAR(entry["p50_us"], p50_us, p50_us * 0.011);
  EXPECT_NEAR(entry["p95_us"], p95_us, p95_us * 0.011);
  EXPECT_NEAR(entry["p99_us"], p99_us, p99_us * 0.011);
}

TEST_F(RatesApiTest, ServicesAreThoseThatServeAndThoseThatCall) {
  WriteCalls();
  const json services = Get("services")["services"];
  ASSERT_EQ(services.size(), 2u);
  EXPECT_EQ(services[0]["service"], "cart");
  EXPECT_EQ(services[0]["count"], 20);
  EXPECT_EQ(services[0]["errors"], 5);
  ExpectDurations(services[0], 10000, 19000, 20000);
  EXPECT_EQ(services[1]["service"], "shop");
  EXPECT_EQ(services[1]["count"], 0);
  EXPECT_EQ(services[1]["p99_us"], 0);
  EXPECT_EQ(Get("services", "limit=1")["services"].size(), 1u);
}

TEST_F(RatesApiTest, OperationsAreByNameAndKind) {
  WriteCalls();
  const json operations = Get("operations", "service=cart")["operations"];
  ASSERT_EQ(operations.size(), 2u);
  EXPECT_EQ(operations[0]["operation"], "GET /a");
  EXPECT_EQ(operations[0]["kind"], "server");
  EXPECT_EQ(operations[0]["count"], 10);
  EXPECT_EQ(operations[0]["errors"], 5);
  ExpectDurations(operations[0], 10000, 20000, 20000);
  EXPECT_EQ(Get("operations", "service=shop")["operations"][0]["operation"], "call \"cart\"");
  EXPECT_EQ(Get("operations", "service=nobody")["operations"], json::array());
  EXPECT_EQ(Refused("operations", ""), "parameter 'service' is required");
}

TEST_F(RatesApiTest, AnEdgeTakesAsLongAsWhoeverWasCalledSays) {
  WriteCalls();
  const json edges = Get("edges")["edges"];
  ASSERT_EQ(edges.size(), 1u);
  EXPECT_EQ(edges[0]["client"], "shop");
  EXPECT_EQ(edges[0]["server"], "cart");
  EXPECT_EQ(edges[0]["count"], 20);
  EXPECT_EQ(edges[0]["errors"], 5);
  ExpectDurations(edges[0], 10000, 19000, 20000);
}

TEST_F(RatesApiTest, ASeriesHasAPointForEachStep) {
  WriteCalls();
  const json series = Get("series", "service=cart");
  EXPECT_EQ(series["step_s"], 10);
  const json& points = series["points"];
  ASSERT_EQ(points.size(), 3u);
  const std::uint64_t start_s = kStartNs / kNsPerS;  // a multiple of 10
  EXPECT_EQ(points[0]["t_s"], start_s);
  EXPECT_EQ(points[0]["count"], 9);
  EXPECT_EQ(points[1]["count"], 10);
  EXPECT_EQ(points[2]["count"], 1);
  std::uint64_t spans = 0;
  double last_us = 0;
  for (const json& bucket : points[0]["buckets"]) {
    EXPECT_GT(bucket[0], last_us);
    last_us = bucket[0];
    spans += bucket[1].get<std::uint64_t>();
  }
  EXPECT_EQ(spans, 9u);
  EXPECT_NEAR(last_us, 9000, 9000 * 0.022);
  EXPECT_EQ(Get("series", "service=cart&step=60")["points"].size(), 1u);
  EXPECT_EQ(Get("series", "service=cart&operation=GET%20/a&step=60")["points"][0]["count"], 10);
  EXPECT_EQ(Get("series", "service=shop")["points"].size(), 0u);
  EXPECT_EQ(Get("series", "service=shop&kind=client")["points"][0]["count"], 20);
}

TEST_F(RatesApiTest, TimesAreOfCells) {
  WriteCalls();
  const auto count = [&](std::uint64_t from_s, std::uint64_t to_s) {
    const json services =
        Get("services", fmt::format("start={}&end={}", kStartUs + from_s * 1000000,
                                    kStartUs + to_s * 1000000))["services"];
    return services.empty() ? 0 : services[0]["count"].get<int>();
  };
  EXPECT_EQ(count(0, 10), 9);
  EXPECT_EQ(count(10, 20), 10);
  EXPECT_EQ(count(5, 11), 19);  // whole cells
  EXPECT_EQ(count(100, 200), 0);
  clock_.Advance(2 * 3600 * kNsPerS);
  EXPECT_TRUE(Get("services")["services"].empty());  // the last hour
  EXPECT_EQ(count(10, 20), 20);                      // cells of a minute by now
  const std::string then =
      fmt::format("service=cart&start={}&end={}", kStartUs, kStartUs + 60000000);
  EXPECT_EQ(Get("series", then)["step_s"], 60);
  EXPECT_THAT(Refused("series", then + "&step=10"), ::testing::HasSubstr("multiple of 60 s"));
}

TEST_F(RatesApiTest, WrongParametersAreNamed) {
  for (const char* query : {"start=x", "end=1.5", "start=20&end=10"}) {
    Refused("services", query);
    Refused("edges", query);
    Refused("series", std::string("service=cart&") + query);
  }
  EXPECT_THAT(Refused("services", "limit=0"), ::testing::HasSubstr("limit"));
  EXPECT_THAT(Refused("services", "limit=-1"), ::testing::HasSubstr("limit"));
  EXPECT_THAT(Refused("series", "service=cart&kind=x"), ::testing::HasSubstr("kind"));
  EXPECT_THAT(Refused("series", "service=cart&step=0"), ::testing::HasSubstr("step"));
  EXPECT_THAT(Refused("series", ""), ::testing::HasSubstr("service"));
  EXPECT_EQ(Ask("/wirespan/api/nothing").status, 404);
  EXPECT_EQ(api_.Answer({.method = "POST", .path = "/wirespan/api/services"}, nullptr).status, 405);
}

TEST_F(RatesApiTest, AboutTellsWhatIsHeld) {
  EXPECT_EQ(Get("about")["oldest_us"], 0);
  WriteCalls();
  const json about = Get("about");
  EXPECT_EQ(about["spans"], 40);
  EXPECT_EQ(about["oldest_us"], kStartUs);
  EXPECT_EQ(about["started_us"], kStartUs);
  EXPECT_GT(about["bytes"], 0);
  EXPECT_EQ(about["limit_age_s"], 7 * 24 * 3600);
}

TEST_F(RatesApiTest, PrometheusGetsHistograms) {
  WriteCalls();
  const http::Response response = Ask("/wirespan/metrics");
  EXPECT_THAT(response.body,
              ::testing::AllOf(
                  ::testing::HasSubstr("wirespan_operation_duration_seconds_count{service=\"cart\","
                                       "operation=\"GET /a\",kind=\"server\"} 10\n"),
                  ::testing::HasSubstr("wirespan_operation_errors_total{service=\"cart\",operation="
                                       "\"GET /a\",kind=\"server\"} 5\n"),
                  ::testing::HasSubstr("operation=\"call \\\"cart\\\"\",kind=\"client\"} 20\n"),
                  ::testing::HasSubstr("wirespan_call_duration_seconds_count{client=\"shop\","
                                       "server=\"cart\"} 20\n"),
                  // 2^23 ns: those of 1 to 8 ms.
                  ::testing::HasSubstr("wirespan_call_duration_seconds_bucket{client=\"shop\","
                                       "server=\"cart\",le=\"0.008388608\"} 8\n"),
                  ::testing::HasSubstr("wirespan_call_duration_seconds_sum{client=\"shop\","
                                       "server=\"cart\"} 0.21\n")));
}

}  // namespace
}  // namespace wirespan::gateway::query
