// Extensions in the real program: who may send, what the pages say.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/otlp/response.h"
#include "tests/integration/gateway/gateway_process.h"
#include "tests/integration/gateway/ledger.h"
#include "tests/unit/gateway/ingest/otlp_client.h"
#include "tests/unit/gateway/ingest/otlp_requests.h"

namespace wirespan::gateway::testing {
namespace {

using otlp::Signal;
using ::testing::HasSubstr;
using ::testing::Not;

class ExtensionsTest : public ::testing::Test {
 protected:
  // otlp with this authenticator on both protocols, to a file.
  std::unique_ptr<GatewayProcess> Start(const std::string& id, const std::string& settings) {
    return GatewayProcess::Start(
        folder_,
        fmt::format(R"(
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:0", auth: {{authenticator: {0}}}}}
      http: {{endpoint: "127.0.0.1:0", auth: {{authenticator: {0}}}}}
exporters:
  file: {{path: {1}}}
extensions:
  health_check: {{endpoint: "127.0.0.1:0"}}
  {0}: {2}
service:
  extensions: [health_check, {0}]
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
)",
                    id, (folder_ / "out.json").string(), settings),
        {"--set", fmt::format("service.extensions=[health_check, {}]", id)});
  }
  static HttpAnswer Post(const GatewayProcess& gateway, std::vector<std::string> headers) {
    return HttpPost(gateway.http_port(), "/v1/traces", "application/x-protobuf", Spans(1),
                    std::move(headers));
  }
  TempFolder folder_;
};

TEST_F(ExtensionsTest, BearerTokensGuardBothProtocolsAndAreRenewed) {
  const auto token = folder_ / "token";
  std::ofstream(token) << "first\n";
  auto gateway = Start("bearertokenauth", fmt::format("{{filename: {}}}", token.string()));
  const HttpAnswer refused = Post(*gateway, {});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.Header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(GrpcExport(fmt::format("127.0.0.1:{}", gateway->grpc_port()),
                       std::string(otlp::GrpcMethod(Signal::kTraces)), Spans(1))
                .code,
            16);
  EXPECT_EQ(Post(*gateway, {"Authorization: Bearer first"}).status, 200);
  std::ofstream(folder_ / "next") << "second\n";
  std::filesystem::rename(folder_ / "next", token);
  EXPECT_TRUE(
      Eventually([&] { return Post(*gateway, {"Authorization: Bearer second"}).status == 200; }));
  EXPECT_EQ(Post(*gateway, {"Authorization: Bearer first"}).status, 401);
  EXPECT_THAT(gateway->Log(), Not(HasSubstr("second")));
}

TEST_F(ExtensionsTest, BasicCredentialsGuardAReceiver) {
  auto gateway = Start("basicauth/server", "{htpasswd: {inline: \"ann:secret\"}}");
  EXPECT_EQ(Post(*gateway, {"Authorization: Basic YW5uOndyb25n"}).status, 401);
  EXPECT_EQ(Post(*gateway, {"Authorization: Basic YW5uOnNlY3JldA=="}).status, 200);
}

TEST_F(ExtensionsTest, ExportersShowTheirCredentials) {
  auto last = Start("basicauth/server", "{htpasswd: {inline: \"ann:secret\"}}");
  for (const std::string& exporter :
       {fmt::format("otlp: {{endpoint: \"http://127.0.0.1:{}\", ", last->grpc_port()),
        fmt::format("otlphttp: {{endpoint: \"http://127.0.0.1:{}\", ", last->http_port())}) {
    SCOPED_TRACE(exporter);
    auto first = GatewayProcess::Start(
        folder_,
        fmt::format("receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: \"127.0.0.1:0\"}}}}}}\n"
                    "extensions:\n  basicauth/client: {{client_auth: {{username: ann, password: "
                    "secret}}}}\nexporters:\n  {}auth: {{authenticator: basicauth/client}}}}\n"
                    "service:\n  pipelines:\n    traces: {{receivers: [otlp], exporters: [{}]}}\n",
                    exporter, exporter.substr(0, exporter.find(':'))),
        {"--set", "service.extensions=[health_check, basicauth/client]"});
    EXPECT_EQ(GrpcExport(fmt::format("127.0.0.1:{}", first->grpc_port()),
                         std::string(otlp::GrpcMethod(Signal::kTraces)), Spans(1))
                  .code,
              0);
    // A refusal for good would have been answered OK too, with the items rejected.
    EXPECT_EQ(Sum(ParseMetrics(HttpSend(first->metrics_port(), "GET", "/metrics", {}, "").body),
                  "otelcol_exporter_sent_spans_total"),
              1);
  }
  EXPECT_EQ(LinesOf(folder_ / "out.json").size(), 2u);
}

TEST_F(ExtensionsTest, TheStatusPageTellsPipelinesComponentsAndLedgerButNoSecret) {
  auto gateway = Start("basicauth/server", "{htpasswd: {inline: \"ann:hush\"}}");
  EXPECT_EQ(Post(*gateway, {"Authorization: Basic YW5uOmh1c2g="}).status, 200);
  const HttpAnswer page = HttpSend(gateway->health_port(), "GET", "/status", {}, "");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<td>traces</td><td>otlp</td><td></td><td>file</td>"));
  EXPECT_THAT(page.body, HasSubstr("<td>receiver</td><td>otlp</td><td>grpc</td><td>ok</td>"));
  EXPECT_THAT(page.body,
              HasSubstr("<td>traces</td><td>file</td><td>1</td><td>0</td><td>1</td><td>0</td>"));
  EXPECT_THAT(page.body, Not(HasSubstr("hush")));
  ExpectLedgerCloses(
      ParseMetrics(HttpSend(gateway->metrics_port(), "GET", "/metrics", {}, "").body), true);
}

}  // namespace
}  // namespace wirespan::gateway::testing
