// SIGHUP under load, and what it must not touch.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/otlp/response.h"
#include "tests/integration/gateway/gateway_process.h"
#include "tests/integration/gateway/ledger.h"
#include "tests/unit/gateway/ingest/otlp_client.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway::testing {
namespace {

using otlp::Signal;
using ::testing::HasSubstr;

constexpr std::string_view kReceiver = R"(
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0"}
      http: {endpoint: "127.0.0.1:0"}
)";

GrpcAnswer Grpc(std::uint16_t port, std::string_view request) {
  return GrpcExport(fmt::format("127.0.0.1:{}", port),
                    std::string(otlp::GrpcMethod(Signal::kTraces)), request);
}

Scrape MetricsOf(const GatewayProcess& gateway) {
  return ParseMetrics(HttpSend(gateway.metrics_port(), "GET", "/metrics", {}, "").body);
}

std::size_t SpansIn(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  std::size_t count = 0;
  for (std::size_t at = text.find("\"spanId\""); at != std::string::npos;
       at = text.find("\"spanId\"", at + 1)) {
    ++count;
  }
  return count;
}

class ReloadTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

// What clients of one kind saw.
struct Seen {
  std::atomic<std::size_t> acknowledged{0};
  std::atomic<std::size_t> failed{0};
  std::string first_failure{};  // of the only thread that writes it
};

TEST_F(ReloadTest, FiftyReloadsRefuseNoConnectionAndLoseNothingAcknowledged) {
  const auto config = [&](int round) {
    // Other processors each time, and the file exporter the same, so that it is handed on.
    return fmt::format(
        "{}processors:\n  batch: {{timeout: {}ms}}\nexporters:\n  file: {{path: {}}}\n"
        "service:\n  pipelines:\n    traces: {{receivers: [otlp], processors: [{}], exporters: "
        "[file]}}\n",
        kReceiver, 1 + round, (folder_ / "out.json").string(), round % 3 == 0 ? "" : "batch");
  };
  auto gateway = GatewayProcess::Start(folder_, config(0));
  const std::uint16_t grpc_port = gateway->grpc_port();
  const std::uint16_t http_port = gateway->http_port();
  Seen grpc;
  Seen http;
  {
    std::jthread grpc_client([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const GrpcAnswer answer = Grpc(grpc_port, Spans(2));
        if (answer.code == 0) {
          ++grpc.acknowledged;
        } else if (grpc.failed++ == 0) {
          grpc.first_failure = fmt::format("{} {}", answer.code, answer.message);
        }
      }
    });
    std::jthread http_client([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const HttpAnswer answer =
            HttpPost(http_port, "/v1/traces", "application/x-protobuf", Spans(2));
        if (answer.status == 200) {
          ++http.acknowledged;
        } else if (http.failed++ == 0) {
          http.first_failure = fmt::format("{} {}", answer.status, answer.body);
        }
      }
    });
    for (int round = 1; round <= 50; ++round) {
      ASSERT_TRUE(gateway->Reload(config(round))) << "reload " << round;
    }
    // Each client has met the last configuration too.
    const std::size_t before_grpc = grpc.acknowledged;
    const std::size_t before_http = http.acknowledged;
    EXPECT_TRUE(Eventually(
        [&] { return grpc.acknowledged > before_grpc && http.acknowledged > before_http; }));
  }
  EXPECT_EQ(grpc.failed, 0u) << grpc.first_failure;
  EXPECT_EQ(http.failed, 0u) << http.first_failure;
  ExpectLedgerCloses(MetricsOf(*gateway), true);
  EXPECT_EQ(
      Sum(MetricsOf(*gateway), "wirespan_gateway_config_reloads_total", {"result=\"success\""}),
      50);
  gateway->Terminate();
  EXPECT_EQ(gateway->WaitExit(), 0);
  EXPECT_EQ(SpansIn(folder_ / "out.json"), 2 * (grpc.acknowledged + http.acknowledged));
  RecordProperty("acknowledged", static_cast<int>(grpc.acknowledged + http.acknowledged));
  std::printf("%zu requests by gRPC and %zu by HTTP during 50 reloads\n", grpc.acknowledged.load(),
              http.acknowledged.load());
}

TEST_F(ReloadTest, ABadFileChangesNothingAndSaysSo) {
  const std::string good = fmt::format(
      "{}exporters:\n  file: {{path: {}}}\nservice:\n  pipelines:\n    traces: {{receivers: "
      "[otlp], exporters: [file]}}\n",
      kReceiver, (folder_ / "out.json").string());
  auto gateway = GatewayProcess::Start(folder_, good);
  const double hash_series = Sum(MetricsOf(*gateway), "wirespan_gateway_config_info");
  EXPECT_EQ(hash_series, 1);
  EXPECT_FALSE(gateway->Reload(good + "nonsense: 1\n"));
  EXPECT_THAT(gateway->Log(), HasSubstr(":12:1: unknown key \"nonsense\""));
  // One that is well written and can't be had: the file exporter's folder is not there.
  std::string impossible = good;
  impossible.replace(impossible.find("file: {path: "), 13,
                     "file: {path: /dev/null/x, append: true} #");
  EXPECT_FALSE(gateway->Reload(impossible));
  EXPECT_THAT(gateway->Log(), HasSubstr("reload: exporter file: open /dev/null/x"));
  const Scrape scrape = MetricsOf(*gateway);
  EXPECT_EQ(Sum(scrape, "wirespan_gateway_config_last_reload_successful"), 0);
  EXPECT_EQ(Sum(scrape, "wirespan_gateway_config_reloads_total", {"result=\"failure\""}), 2);
  EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 0);
  EXPECT_TRUE(gateway->Reload(good));
  EXPECT_EQ(Sum(MetricsOf(*gateway), "wirespan_gateway_config_last_reload_successful"), 1);
  EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 0);
  EXPECT_EQ(SpansIn(folder_ / "out.json"), 2u);
}

TEST_F(ReloadTest, AnUnchangedExporterKeepsItsQueue) {
  // A port that is free now and taken by the next hop later.
  const auto to_file = [&](const std::string& endpoint) {
    return fmt::format(
        "receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: \"{}\"}}}}}}\nexporters:\n  file: "
        "{{path: {}}}\nservice:\n  pipelines:\n    traces: {{receivers: [otlp], exporters: "
        "[file]}}\n",
        endpoint, (folder_ / "out.json").string());
  };
  auto probe = GatewayProcess::Start(folder_, to_file("127.0.0.1:0"));
  const std::uint16_t port = probe->grpc_port();
  probe->Terminate();
  ASSERT_EQ(probe->WaitExit(), 0);
  const auto config = [&](const char* processors) {
    return fmt::format(
        "{}processors:\n  batch: {{timeout: 10ms}}\nexporters:\n  otlp:\n    endpoint: "
        "127.0.0.1:{}\n"
        "    tls: {{insecure: true}}\n    sending_queue: {{wait_for_result: false}}\n"
        "    retry_on_failure: {{initial_interval: 100ms, max_interval: 200ms}}\n"
        "service:\n  pipelines:\n    traces: {{receivers: [otlp], processors: [{}], exporters: "
        "[otlp]}}\n",
        kReceiver, port, processors);
  };
  auto gateway = GatewayProcess::Start(folder_, config(""));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 0);
  EXPECT_TRUE(gateway->Reload(config("batch")));
  const Scrape scrape = MetricsOf(*gateway);
  ExpectLedgerCloses(scrape, false);
  EXPECT_EQ(Sum(scrape, "wirespan_pipeline_exporter_held_items"), 20);
  auto last = GatewayProcess::Start(folder_, to_file(fmt::format("127.0.0.1:{}", port)));
  EXPECT_TRUE(Eventually([&] { return SpansIn(folder_ / "out.json") == 20; }));
  EXPECT_TRUE(Eventually(
      [&] { return Sum(MetricsOf(*gateway), "wirespan_pipeline_exporter_held_items") == 0; }));
  ExpectLedgerCloses(MetricsOf(*gateway), true);
}

TEST_F(ReloadTest, AQueueOnDiskMovesToItsNewSettings) {
  const auto config = [&](const char* consumers) {
    return fmt::format(
        "{}extensions:\n  file_storage: {{directory: {}}}\nexporters:\n  otlp:\n    endpoint: "
        "127.0.0.1:1\n    tls: {{insecure: true}}\n    sending_queue: {{storage: file_storage, "
        "num_consumers: {}}}\nservice:\n  extensions: [file_storage]\n  pipelines:\n    traces: "
        "{{receivers: [otlp], exporters: [otlp]}}\n",
        kReceiver, (folder_ / "queue").string(), consumers);
  };
  auto gateway = GatewayProcess::Start(
      folder_, config("2"),
      {"--drain-timeout-ms", "500", "--set", "service.extensions=[health_check, file_storage]"});
  const std::uint16_t port = gateway->grpc_port();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Grpc(port, Spans(2)).code, 0);
  EXPECT_TRUE(gateway->Reload(config("3")));
  EXPECT_EQ(Grpc(port, Spans(2)).code, 0) << "the same port, after a moment of waiting";
  EXPECT_THAT(gateway->Log(), HasSubstr("exporter otlp: 10 items are in the queue on disk"));
}

TEST_F(ReloadTest, AnotherMemoryLimitIsInForceAtOnce) {
  const auto config = [&](int mib) {
    return fmt::format(
        "{}processors:\n  memory_limiter: {{check_interval: 1s, limit_mib: {}}}\n"
        "exporters:\n  file: {{path: {}}}\nservice:\n  pipelines:\n    traces: {{receivers: "
        "[otlp], processors: [memory_limiter], exporters: [file]}}\n",
        kReceiver, mib, (folder_ / "out.json").string());
  };
  auto gateway = GatewayProcess::Start(folder_, config(4000));
  EXPECT_EQ(Sum(MetricsOf(*gateway), "wirespan_gateway_memory_ceiling_bytes"), 4000.0 * (1 << 20));
  EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 0);
  ASSERT_TRUE(gateway->Reload(config(1)));
  EXPECT_EQ(Sum(MetricsOf(*gateway), "wirespan_gateway_memory_ceiling_bytes"), 1 << 20);
  // Less than the program itself needs: nothing fits any more.
  EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 14);
  ASSERT_TRUE(gateway->Reload(config(4000)));
  EXPECT_EQ(Grpc(gateway->grpc_port(), Spans(1)).code, 0);
}

}  // namespace
}  // namespace wirespan::gateway::testing
