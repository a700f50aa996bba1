// The real program with real configurations, and the file exporter as the ground truth of what
// arrived.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/otlp/compress.h"
#include "common/otlp/response.h"
#include "tests/integration/gateway/gateway_process.h"
#include "tests/unit/gateway/ingest/otlp_client.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway::testing {
namespace {

using otlp::Signal;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Signal kAll[] = {Signal::kTraces, Signal::kMetrics, Signal::kLogs};

constexpr std::string_view kReceiver = R"(
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0"}
      http: {endpoint: "127.0.0.1:0"}
)";

std::string Pipelines(std::string_view processors, std::string_view exporters) {
  std::string text = "service:\n  pipelines:\n";
  for (const Signal signal : kAll) {
    text += fmt::format("    {}: {{receivers: [otlp], processors: [{}], exporters: [{}]}}\n",
                        otlp::SignalName(signal), processors, exporters);
  }
  return text;
}

std::string ToFile(const std::filesystem::path& path) {
  return fmt::format("{}exporters:\n  file: {{path: {}}}\n{}", kReceiver, path.string(),
                     Pipelines("", "file"));
}

GrpcAnswer Grpc(const GatewayProcess& gateway, Signal signal, std::string_view request,
                GrpcCompression compression = GrpcCompression::kNone) {
  return GrpcExport(fmt::format("127.0.0.1:{}", gateway.grpc_port()),
                    std::string(otlp::GrpcMethod(signal)), request, compression);
}

std::string MetricsOf(const GatewayProcess& gateway) {
  return HttpSend(gateway.metrics_port(), "GET", "/metrics", {}, "").body;
}

class GatewayTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(GatewayTest, EverySignalAndTransportReachesTheFile) {
  auto gateway = GatewayProcess::Start(folder_, ToFile(folder_ / "out.json"));
  std::size_t sent = 0;
  for (const Signal signal : kAll) {
    const std::string request = RequestOf(signal, 2);
    EXPECT_EQ(Grpc(*gateway, signal, request).code, 0);
    EXPECT_EQ(Grpc(*gateway, signal, request, GrpcCompression::kGzip).code, 0);
    EXPECT_EQ(
        HttpPost(gateway->http_port(), otlp::HttpPath(signal), "application/x-protobuf", request)
            .status,
        200);
    std::string gzip;
    otlp::Compressor().Compress(otlp::Encoding::kGzip, request, gzip);
    EXPECT_EQ(HttpPost(gateway->http_port(), otlp::HttpPath(signal), "application/x-protobuf", gzip,
                       {"Content-Encoding: gzip"})
                  .status,
              200);
    sent += 4;
  }
  EXPECT_EQ(HttpPost(gateway->http_port(), "/v1/traces", "application/json", SpanJson()).status,
            200);
  // An answer comes after the write, so there is nothing to wait for.
  const auto lines = LinesOf(folder_ / "out.json");
  ASSERT_EQ(lines.size(), sent + 1);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)], lines[0]);
  EXPECT_THAT(lines[0], HasSubstr(R"("traceId":"1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("startTimeUnixNano":"1700000000000000000")"));
  EXPECT_THAT(lines[4], HasSubstr(R"("resourceMetrics")"));
  EXPECT_THAT(lines[8], HasSubstr(R"("resourceLogs")"));
}

TEST_F(GatewayTest, TwoGatewaysInARow) {
  auto last = GatewayProcess::Start(folder_, ToFile(folder_ / "out.json"));
  const std::vector<std::string> hops = {
      fmt::format("otlp: {{endpoint: \"127.0.0.1:{}\", tls: {{insecure: true}}}}",
                  last->grpc_port()),
      fmt::format("otlp_grpc: {{endpoint: \"http://127.0.0.1:{}\", compression: none}}",
                  last->grpc_port()),
      fmt::format("otlphttp: {{endpoint: \"http://127.0.0.1:{}\"}}", last->http_port()),
      fmt::format("otlp_http: {{endpoint: \"http://127.0.0.1:{}\", compression: zstd}}",
                  last->http_port()),
      fmt::format(
          "otlphttp/json: {{endpoint: \"http://127.0.0.1:{}\", encoding: json, compression: none}}",
          last->http_port()),
  };
  std::size_t lines = 0;
  for (const std::string& hop : hops) {
    SCOPED_TRACE(hop);
    const std::string id = hop.substr(0, hop.find(':'));
    auto first = GatewayProcess::Start(
        folder_, fmt::format("{}processors:\n  batch: {{timeout: 10ms}}\nexporters:\n  {}\n{}",
                             kReceiver, hop, Pipelines("batch", id)));
    for (const Signal signal : kAll) {
      EXPECT_EQ(Grpc(*first, signal, RequestOf(signal, 3)).code, 0);
    }
    lines += 3;
    ASSERT_TRUE(Eventually([&] { return LinesOf(folder_ / "out.json").size() >= lines; }));
    EXPECT_THAT(
        MetricsOf(*first),
        HasSubstr(fmt::format("otelcol_exporter_sent_spans_total{{exporter=\"{}\"}} 3", id)));
  }
  const auto all = LinesOf(folder_ / "out.json");
  EXPECT_EQ(all.size(), lines);
  const std::string accepted = MetricsOf(*last);
  EXPECT_THAT(
      accepted,
      HasSubstr(R"(otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} 6)"));
  EXPECT_THAT(
      accepted,
      HasSubstr(
          R"(otelcol_receiver_accepted_log_records_total{receiver="otlp",transport="http"} 9)"));
}

TEST_F(GatewayTest, FansInAndOut) {
  auto gateway =
      GatewayProcess::Start(folder_, fmt::format(R"(
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}}}}}
  otlp/2: {{protocols: {{http: {{endpoint: "127.0.0.1:0"}}}}}}
exporters:
  file/a: {{path: {0}}}
  file/b: {{path: {1}}}
  file/c: {{path: {2}}}
service:
  pipelines:
    traces: {{receivers: [otlp, otlp/2], exporters: [file/a, file/b]}}
    traces/2: {{receivers: [otlp], exporters: [file/c]}}
)",
                                                 (folder_ / "a").string(), (folder_ / "b").string(),
                                                 (folder_ / "c").string()));
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, Spans(1)).code, 0);
  const std::uint16_t second = gateway->PortAfter("receiver otlp/2/http: listening on port ");
  EXPECT_EQ(HttpPost(second, "/v1/traces", "application/x-protobuf", Spans(1)).status, 200);
  EXPECT_EQ(LinesOf(folder_ / "a").size(), 2u);
  EXPECT_EQ(LinesOf(folder_ / "b").size(), 2u);
  EXPECT_EQ(LinesOf(folder_ / "c").size(), 1u);
  // Nothing takes metrics.
  EXPECT_EQ(Grpc(*gateway, Signal::kMetrics, Points(1)).code, 12);
  EXPECT_EQ(HttpPost(second, "/v1/metrics", "application/x-protobuf", Points(1)).status, 404);
}

TEST_F(GatewayTest, HealthAndSelfMetricsAreServed) {
  auto gateway = GatewayProcess::Start(folder_, ToFile(folder_ / "out.json"));
  const HttpAnswer health = HttpSend(gateway->health_port(), "GET", "/", {}, "");
  EXPECT_EQ(health.status, 200);
  EXPECT_THAT(health.body, HasSubstr(R"({"status":"Server available","upSince":"20)"));
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, Spans(5)).code, 0);
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, "\x0a").code, 3);
  const std::string metrics = MetricsOf(*gateway);
  for (const char* line :
       {R"(otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} 5)",
        R"(otelcol_receiver_refused_spans_total{receiver="otlp",transport="grpc"} 0)",
        R"(otelcol_exporter_sent_spans_total{exporter="file"} 5)",
        R"(otelcol_exporter_send_failed_spans_total{exporter="file"} 0)",
        R"(otelcol_exporter_queue_size{data_type="traces",exporter="file"} 0)",
        "otelcol_exporter_queue_capacity", "otelcol_process_uptime_seconds_total",
        "otelcol_process_memory_rss_bytes", "wirespan_build_info{",
        "wirespan_gateway_held_bytes 0"}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
}

TEST_F(GatewayTest, WithoutAQueueTheAnswerIsTheSinks) {
  // Nobody listens on port 1.
  auto gateway = GatewayProcess::Start(folder_,
                                       fmt::format(R"({}
exporters:
  otlp:
    endpoint: 127.0.0.1:1
    tls: {{insecure: true}}
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}
  otlp/queue:
    endpoint: 127.0.0.1:1
    tls: {{insecure: true}}
    sending_queue: {{wait_for_result: false}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp]}}
    logs: {{receivers: [otlp], exporters: [otlp/queue]}}
)",
                                                   kReceiver),
                                       {"--drain-timeout-ms", "300"});
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, Spans(2)).code, 14);
  EXPECT_EQ(HttpPost(gateway->http_port(), "/v1/traces", "application/x-protobuf", Spans(2)).status,
            503);
  EXPECT_EQ(Grpc(*gateway, Signal::kLogs, Records(4)).code, 0);
  const std::string metrics = MetricsOf(*gateway);
  EXPECT_THAT(metrics, HasSubstr(R"(otelcol_exporter_send_failed_spans_total{exporter="otlp"} 4)"));
  EXPECT_THAT(
      metrics,
      HasSubstr(R"(otelcol_receiver_refused_spans_total{receiver="otlp",transport="grpc"} 2)"));
  // What was acknowledged and can't be delivered any more is said.
  gateway->Terminate();
  EXPECT_EQ(gateway->WaitExit(), 0);
  EXPECT_THAT(gateway->Log(), HasSubstr("exporter otlp/queue: 4 items were not delivered"));
  EXPECT_THAT(gateway->Log(), HasSubstr("gateway: 4 items were not delivered"));
}

// Nobody waits for a batch to fill while an exporter has a free slot, whatever the timeout.
TEST_F(GatewayTest, ABatchThatCouldGrowForAnHourIsDeliveredAtOnce) {
  auto gateway = GatewayProcess::Start(
      folder_,
      fmt::format("{}processors:\n  batch: {{timeout: 1h}}\nexporters:\n  file: {{path: {}}}\n{}",
                  kReceiver, (folder_ / "out.json").string(), Pipelines("batch", "file")));
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, Spans(2)).code, 0);
  EXPECT_EQ(LinesOf(folder_ / "out.json").size(), 1u);
  gateway->Terminate();
  EXPECT_EQ(gateway->WaitExit(), 0);
  EXPECT_THAT(gateway->Log(), HasSubstr("gateway: everything was delivered"));
}

TEST_F(GatewayTest, TerminationAnswersForWhatProcessorsHold) {
  // The first request occupies the only slot, the second waits for it in batch.
  auto gateway = GatewayProcess::Start(
      folder_,
      fmt::format(
          "{}processors:\n  batch: {{timeout: 1h}}\nexporters:\n  otlp: {{endpoint: "
          "\"127.0.0.1:1\", tls: {{insecure: true}}, sending_queue: {{num_consumers: 1}}}}\n{}",
          kReceiver, Pipelines("batch", "otlp")),
      {"--drain-timeout-ms", "500"});
  std::vector<std::future<GrpcAnswer>> answers;
  for (int i = 0; i < 2; ++i) {
    answers.push_back(
        std::async(std::launch::async, [&] { return Grpc(*gateway, Signal::kTraces, Spans(2)); }));
  }
  ASSERT_TRUE(Eventually([&] {
    return MetricsOf(*gateway).find(
               "wirespan_pipeline_items_total{flow=\"entered\",pipeline="
               "\"traces\"} 4") != std::string::npos;
  }));
  gateway->Terminate();
  for (auto& answer : answers) EXPECT_EQ(answer.get().code, 14);
  EXPECT_EQ(gateway->WaitExit(), 0);
}

TEST_F(GatewayTest, TerminationDeliversTheQueueOnceTheNextHopIsBack) {
  // A port that is free now and taken by the next hop later.
  auto probe = GatewayProcess::Start(folder_, ToFile(folder_ / "probe.json"));
  const std::uint16_t port = probe->grpc_port();
  probe->Terminate();
  ASSERT_EQ(probe->WaitExit(), 0);
  auto first = GatewayProcess::Start(
      folder_,
      fmt::format("{}exporters:\n  otlp: {{endpoint: \"127.0.0.1:{}\", tls: {{insecure: true}}, "
                  "sending_queue: {{wait_for_result: false}}}}\n{}",
                  kReceiver, port, Pipelines("", "otlp")),
      {"--drain-timeout-ms", "30000"});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Grpc(*first, Signal::kTraces, Spans(1)).code, 0);
  first->Terminate();
  std::string config = ToFile(folder_ / "out.json");
  const std::string free = "grpc: {endpoint: \"127.0.0.1:0\"}";
  config.replace(config.find(free), free.size(),
                 fmt::format("grpc: {{endpoint: \"127.0.0.1:{}\"}}", port));
  auto last = GatewayProcess::Start(folder_, config);
  EXPECT_EQ(first->WaitExit(), 0);
  EXPECT_EQ(LinesOf(folder_ / "out.json").size(), 20u);
  EXPECT_THAT(first->Log(), HasSubstr("gateway: everything was delivered"));
}

TEST_F(GatewayTest, DebugExporterShowsWhatPasses) {
  auto gateway = GatewayProcess::Start(
      folder_, fmt::format("{}exporters:\n  debug: {{verbosity: detailed}}\n{}", kReceiver,
                           Pipelines("", "debug")));
  EXPECT_EQ(Grpc(*gateway, Signal::kTraces, Spans(1, "GET /cart")).code, 0);
  EXPECT_THAT(gateway->Log(), HasSubstr("debug: Traces resources=1 spans=1"));
  EXPECT_THAT(gateway->Log(), HasSubstr("    Name           : GET /cart\n"));
  EXPECT_THAT(gateway->Log(), HasSubstr("     -> service.name: Str(shop)\n"));
}

}  // namespace
}  // namespace wirespan::gateway::testing
