// The health page, the status page and the ledger's metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/extension/health.h"
#include "gateway/extension/status_page.h"
#include "tests/support/fake_clock.h"

namespace wirespan::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PagesTest : public ::testing::Test {
 protected:
  PagesTest() {
    state_.Update([](GatewayState::Facts& facts) {
      facts.ready = true;
      facts.pipelines = {{.id = "traces", .receivers = {"otlp"}, .exporters = {"otlp/2"}}};
      facts.config_hash = "abcd";
    });
  }
  int status() const { return HealthResponse(state_).status; }

  testing::FakeClock clock_;
  StatusBoard board_{clock_};
  LedgerBook book_;
  GatewayState state_{board_, book_, clock_};
};

TEST_F(PagesTest, HealthyWhileDataIsTaken) {
  EXPECT_EQ(status(), 200);
  EXPECT_THAT(HealthResponse(state_).body,
              HasSubstr("{\"status\":\"Server available\",\"upSince\""));
  state_.Update([](GatewayState::Facts& facts) { facts.ready = false; });
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(HealthResponse(state_).body,
            R"({"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""})");
}

TEST_F(PagesTest, UnhealthyOnceAComponentHasRefusedForAWhile) {
  const auto exporter = board_.Add("exporter", "otlp/2", "traces");
  exporter->Set(ComponentState::kRefusing, "backend:4317: \"refused\"");
  EXPECT_EQ(status(), 200) << "a moment's trouble is nobody's business";
  clock_.Advance(10'000'000'000);
  EXPECT_EQ(status(), 503);
  EXPECT_THAT(HealthResponse(state_).body,
              HasSubstr(R"("components":[{"kind":"exporter","id":"otlp/2","part":"traces",)"
                        R"("state":"refusing","message":"backend:4317: \"refused\""}])"));
  exporter->Set(ComponentState::kOk);
  EXPECT_EQ(status(), 200);
}

TEST_F(PagesTest, WhichTroubleCountsIsTheConfigurations) {
  const auto exporter = board_.Add("exporter", "otlp/2", "traces");
  exporter->Set(ComponentState::kDegraded, "it waits in the queue");
  clock_.Advance(10'000'000'000);
  EXPECT_EQ(status(), 200);
  state_.Update([](GatewayState::Facts& facts) {
    facts.health.include_recoverable_errors = true;
    facts.health.include_permanent_errors = false;
    facts.health.unhealthy_body = "ill";
  });
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(HealthResponse(state_).body, "ill");
  exporter->Set(ComponentState::kFailed, "for good");
  clock_.Advance(10'000'000'000);
  EXPECT_EQ(status(), 200);
}

TEST_F(PagesTest, VerboseListsEveryComponent) {
  const auto receiver = board_.Add("receiver", "otlp", "grpc");
  receiver->Set(ComponentState::kOk);
  const http::Response response = HealthPages(state_, {.path = "/", .query = "verbose"});
  EXPECT_EQ(response.body, R"({"healthy":true,"components":[{"kind":"receiver","id":"otlp",)"
                           R"("part":"grpc","state":"ok","message":""}]})");
  EXPECT_EQ(HealthPages(state_, {.path = "/other"}).status, 404);
}

TEST_F(PagesTest, TheStatusPageShowsPipelinesComponentsAndLedger) {
  const auto exporter = board_.Add("exporter", "<otlp>", "traces");
  exporter->Set(ComponentState::kDegraded, "a & b");
  book_.Pipeline("traces").Entered(12);
  book_.Pipeline("traces").Dropped("filter/x", "filtered", 2);
  book_.Pipeline("traces").Passed(9);
  book_.Lane("traces", "otlp/2").Entered(9);
  book_.Lane("traces", "otlp/2").Dropped("expired", 4);
  const std::string html = HealthPages(state_, {.path = "/status"}).body;
  EXPECT_THAT(html, HasSubstr("<td>&lt;otlp&gt;</td><td>traces</td><td>degraded</td>"));
  EXPECT_THAT(html, HasSubstr("<td>a &amp; b</td>"));
  EXPECT_THAT(html, HasSubstr("<td>traces</td><td>12</td><td>2 filtered (filter/x)</td><td>1</td>"
                              "<td>9</td>"));
  EXPECT_THAT(html, HasSubstr("<td>otlp/2</td><td>9</td><td>0</td><td>0</td><td>0</td><td>4 expired"
                              "</td><td>5</td>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_EQ(StatusResponse(state_, {.path = "/debug/pipelinez"}).status, 200);
  EXPECT_EQ(StatusResponse(state_, {.path = "/"}).status, 404);
}

TEST_F(PagesTest, TheLedgersMetricsAreOfOneReading) {
  telemetry::Registry registry;
  RegisterLedger(registry, book_);
  book_.Pipeline("traces").Entered(3);
  book_.Pipeline("traces").Passed(2);
  book_.Lane("traces", "otlp").Entered(2);
  book_.Lane("traces", "otlp").Sent(1);
  const std::string text = registry.Text();
  EXPECT_THAT(text,
              HasSubstr("wirespan_pipeline_items_total{flow=\"entered\",pipeline=\"traces\"} 3"));
  EXPECT_THAT(text, HasSubstr("wirespan_pipeline_held_items{pipeline=\"traces\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE wirespan_pipeline_held_items gauge\n"));
  EXPECT_THAT(text,
              HasSubstr("wirespan_pipeline_exporter_items_total{exporter=\"otlp\",flow=\"sent\","
                        "pipeline=\"traces\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("wirespan_pipeline_exporter_held_items{exporter=\"otlp\",pipeline="
                              "\"traces\"} 1\n"));
}

}  // namespace
}  // namespace wirespan::gateway
