// Two tenants through the real program: their requests stay apart from the door to the backend, in
// memory and on disk, and their credentials never reach the disk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/integration/gateway/gateway_process.h"
#include "tests/integration/gateway/ledger.h"
#include "tests/support/otlp_server.h"
#include "tests/unit/gateway/ingest/otlp_client.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway::testing {
namespace {

namespace fs = std::filesystem;
using otlp::Signal;
using wirespan::testing::OtlpReply;
using wirespan::testing::OtlpRequest;
using wirespan::testing::OtlpServer;

constexpr int kRounds = 20;
constexpr const char* kSecret = "Bearer hush-hush";

class TenantsTest : public ::testing::TestWithParam<OtlpServer::Kind> {
 protected:
  std::string Config(std::uint16_t port, const std::string& queue) {
    const bool grpc = GetParam() == OtlpServer::Kind::kGrpc;
    return fmt::format(
        R"(
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:0", include_metadata: true}}
      http: {{endpoint: "127.0.0.1:0", include_metadata: true}}
processors:
  batch: {{metadata_keys: [x-tenant]}}
exporters:
  {0}:
    endpoint: "http://127.0.0.1:{1}"
    compression: none
    auth: {{authenticator: headers_setter}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 100ms}}
    sending_queue: {2}
extensions:
  headers_setter: {{headers: [{{key: X-Scope-OrgID, from_context: X-Tenant}}]}}
  file_storage: {{directory: {3}}}
  health_check: {{endpoint: "127.0.0.1:0"}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [{0}]}}
)",
        grpc ? "otlp" : "otlphttp", port, queue, (folder_ / "disk").string());
  }
  std::unique_ptr<GatewayProcess> Start(std::uint16_t port, const std::string& queue) {
    return GatewayProcess::Start(
        folder_, Config(port, queue),
        {"--set", "service.extensions=[health_check, headers_setter, file_storage]"});
  }
  // By turns over gRPC and HTTP; the span's name says whose it is.
  void SendBothTenants(const GatewayProcess& gateway) {
    for (int i = 0; i < kRounds; ++i) {
      for (const char* tenant : {"red", "blue"}) {
        const std::string spans = Spans(1, fmt::format("of-{}", tenant));
        EXPECT_EQ(GrpcExport(fmt::format("127.0.0.1:{}", gateway.grpc_port()),
                             std::string(otlp::GrpcMethod(Signal::kTraces)), spans,
                             GrpcCompression::kNone, std::chrono::seconds(30),
                             {{"x-tenant", tenant}, {"authorization", kSecret}})
                      .code,
                  0);
        EXPECT_EQ(HttpPost(gateway.http_port(), "/v1/traces", "application/x-protobuf", spans,
                           {fmt::format("X-Tenant: {}", tenant),
                            fmt::format("Authorization: {}", kSecret)})
                      .status,
                  200);
      }
    }
  }
  static std::size_t Count(const std::string& text, const std::string& word) {
    std::size_t count = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
      ++count;
    }
    return count;
  }
  // Every request carries its tenant's name and its tenant's spans alone.
  static void ExpectApart(const OtlpServer& backend) {
    std::map<std::string, std::size_t> spans;
    for (const OtlpRequest& request : backend.requests()) {
      const auto tenant = request.headers.find("x-scope-orgid");
      ASSERT_NE(tenant, request.headers.end());
      const std::size_t red = Count(request.body, "of-red");
      const std::size_t blue = Count(request.body, "of-blue");
      EXPECT_EQ(tenant->second == "red" ? blue : red, 0u) << tenant->second;
      spans[tenant->second] += red + blue;
      EXPECT_FALSE(request.headers.contains("authorization"));
    }
    EXPECT_EQ(spans["red"], 2u * kRounds);
    EXPECT_EQ(spans["blue"], 2u * kRounds);
    EXPECT_EQ(spans.size(), 2u);
  }
  std::string BytesOnDisk() {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "disk")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }
  static std::string MetricsOf(const GatewayProcess& gateway) {
    return HttpSend(gateway.metrics_port(), "GET", "/metrics", {}, "").body;
  }
  TempFolder folder_;
};

TEST_P(TenantsTest, StayApartInMemory) {
  auto backend = OtlpServer::Start({.kind = GetParam()});
  auto gateway = Start(backend->port(),
                       "{num_consumers: 1, batch: {min_size: 8, max_size: 8, "
                       "partition: {metadata_keys: [x-tenant]}}}");
  SendBothTenants(*gateway);
  ExpectApart(*backend);
  ExpectLedgerCloses(ParseMetrics(MetricsOf(*gateway)), true);
}

TEST_P(TenantsTest, StayApartOnDiskThroughARestart) {
  std::uint16_t port = 0;
  {
    auto closed = OtlpServer::Start({.kind = GetParam()});
    port = closed->port();
  }
  const std::string queue =
      "{storage: file_storage, num_consumers: 2, batch: {min_size: 8, max_size: 8, flush_timeout: "
      "50ms}}";
  auto gateway = Start(port, queue);
  SendBothTenants(*gateway);  // the backend is down
  const std::string stored = BytesOnDisk();
  EXPECT_EQ(Count(stored, "of-red"), 2u * kRounds);
  EXPECT_GE(Count(stored, "x-tenant"), 4u * kRounds);
  EXPECT_EQ(Count(stored, "hush"), 0u);
  EXPECT_EQ(Count(stored, "authorization"), 0u);
  gateway->Terminate();
  EXPECT_EQ(gateway->WaitExit(), 0);

  auto backend = OtlpServer::Start({.kind = GetParam(), .port = port});
  gateway = Start(port, queue);
  EXPECT_TRUE(Eventually(
      [&] { return backend->items(Signal::kTraces) == static_cast<std::size_t>(4 * kRounds); }));
  ExpectApart(*backend);
  EXPECT_TRUE(Eventually([&] {
    return Sum(ParseMetrics(MetricsOf(*gateway)), "otelcol_exporter_sent_spans_total") ==
           4 * kRounds;
  }));
  ExpectLedgerCloses(ParseMetrics(MetricsOf(*gateway)), true);
}

INSTANTIATE_TEST_SUITE_P(Exporters, TenantsTest,
                         ::testing::Values(OtlpServer::Kind::kGrpc, OtlpServer::Kind::kHttp),
                         [](const auto& kind) {
                           return kind.param == OtlpServer::Kind::kGrpc ? "Grpc" : "Http";
                         });

}  // namespace
}  // namespace wirespan::gateway::testing
