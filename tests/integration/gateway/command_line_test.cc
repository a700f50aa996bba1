#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/gateway/gateway_process.h"

namespace wirespan::gateway::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kGood = R"(
receivers:
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
exporters:
  debug:
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
)";

class CommandLineTest : public ::testing::Test {
 protected:
  std::string Write(std::string_view text, std::string_view name = "config.yaml") {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  TempFolder folder_;
};

TEST_F(CommandLineTest, VersionIsOneLine) {
  GatewayProcess process({"--version"});
  EXPECT_EQ(process.WaitExit(), 0);
  EXPECT_THAT(process.Output(), ::testing::MatchesRegex("wirespan-gateway [0-9.]+\n"));
}

TEST_F(CommandLineTest, ComponentsListsThem) {
  GatewayProcess process({"components"});
  EXPECT_EQ(process.WaitExit(), 0);
  for (const char* name : {"receivers:\n  otlp", "processors:\n  attributes", "\n  batch  ",
                           "exporters:\n  debug", "  otlphttp (otlp_http)", "  health_check "}) {
    EXPECT_THAT(process.Output(), HasSubstr(name));
  }
}

TEST_F(CommandLineTest, ValidateSaysNothingAboutAGoodFile) {
  GatewayProcess process({"validate", "--config", Write(kGood)});
  EXPECT_EQ(process.WaitExit(), 0);
  EXPECT_EQ(process.Log(), "");
  EXPECT_EQ(process.Output(), "");
}

TEST_F(CommandLineTest, TheExampleOfTheDocumentationIsValid) {
  GatewayProcess process({"validate", "--config", "docs/examples/gateway.yaml"});
  EXPECT_EQ(process.WaitExit(), 0) << process.Log();
}

TEST_F(CommandLineTest, ValidateNamesThePlaceOfAMistake) {
  std::string bad(kGood);
  bad.replace(bad.find("[debug]"), 7, "[loki]");
  const std::string file = Write(bad);
  GatewayProcess process({"validate", "--config", file});
  EXPECT_EQ(process.WaitExit(), 2);
  EXPECT_EQ(process.Log(), file + ":8:45: exporters does not define \"loki\"\n");
}

TEST_F(CommandLineTest, NoConfigurationIsAUsageError) {
  GatewayProcess process({});
  EXPECT_EQ(process.WaitExit(), 2);
  EXPECT_EQ(process.Log(),
            "wirespan-gateway: --config FILE is missing, and there is no /etc/otel/config.yaml\n");
}

TEST_F(CommandLineTest, AssignmentsAndUrisAreTheCollectors) {
  const std::string file = Write(kGood);
  GatewayProcess process({"print-config", "--config", "file:" + file, "--config",
                          "yaml:exporters::debug::verbosity: detailed", "--set",
                          "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:9"});
  EXPECT_EQ(process.WaitExit(), 0);
  EXPECT_EQ(process.Output(),
            "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 127.0.0.1:9\n"
            "exporters:\n  debug:\n    verbosity: detailed\n"
            "service:\n  pipelines:\n    traces:\n      receivers:\n        - otlp\n"
            "      exporters:\n        - debug\n");
}

TEST_F(CommandLineTest, PrintConfigHidesSecretsUnlessAsked) {
  const std::vector<std::string> arguments = {"print-config", "--config", Write(kGood), "--set",
                                              "exporters.otlp.headers.authorization=Bearer abc"};
  GatewayProcess redacted(arguments);
  EXPECT_EQ(redacted.WaitExit(), 0);
  EXPECT_THAT(redacted.Output(), HasSubstr("authorization: \"[REDACTED]\"\n"));
  auto more = arguments;
  more.insert(more.end(), {"--mode", "unredacted"});
  GatewayProcess plain(more);
  EXPECT_EQ(plain.WaitExit(), 0);
  EXPECT_THAT(plain.Output(), HasSubstr("authorization: \"Bearer abc\"\n"));
}

TEST_F(CommandLineTest, ProbeSendsASpanAndSaysWhetherItWasTaken) {
  const std::string out = (folder_ / "out.json").string();
  auto gateway = GatewayProcess::Start(folder_, fmt::format(R"(
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:0"}}}}}}
exporters:
  file: {{path: {}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
)",
                                                            out));
  const std::string url = fmt::format("http://127.0.0.1:{}", gateway->http_port());
  GatewayProcess sent({"probe", "--span", "--retry-seconds", "10", url});
  EXPECT_EQ(sent.WaitExit(), 0) << sent.Log();
  ASSERT_EQ(LinesOf(out).size(), 1u);
  EXPECT_THAT(LinesOf(out)[0], HasSubstr("wirespan-probe"));
  GatewayProcess page({"probe", fmt::format("http://127.0.0.1:{}/", gateway->health_port())});
  EXPECT_EQ(page.WaitExit(), 0) << page.Log();
  GatewayProcess missing({"probe", url + "/nothing"});
  EXPECT_EQ(missing.WaitExit(), 1);
  EXPECT_THAT(missing.Log(), HasSubstr("/nothing: 404 "));
  GatewayProcess unclear({"probe", "--header", "novalue", url});
  EXPECT_EQ(unclear.WaitExit(), 2);
}

TEST_F(CommandLineTest, ProbeSaysWhatKeepsItAway) {
  GatewayProcess process({"probe", "http://127.0.0.1:1/"});
  EXPECT_EQ(process.WaitExit(), 1);
  EXPECT_THAT(process.Log(), HasSubstr("http://127.0.0.1:1/: "));
  EXPECT_THAT(process.Log(), HasSubstr("Connection refused"));
}

TEST_F(CommandLineTest, AMissingFileIsNamed) {
  GatewayProcess process({"--config", (folder_ / "none.yaml").string()});
  EXPECT_EQ(process.WaitExit(), 2);
  EXPECT_THAT(process.Log(), HasSubstr("none.yaml"));
  EXPECT_THAT(process.Log(), HasSubstr("No such file"));
}

TEST_F(CommandLineTest, APortInUseIsOneSentenceAndExitCodeOne) {
  auto first = GatewayProcess::Start(folder_, kGood);
  const std::uint16_t port = first->grpc_port();
  std::string config(kGood);
  config.replace(config.find("127.0.0.1:0"), 11, fmt::format("127.0.0.1:{}", port));
  config += "  telemetry: {metrics: {level: none}}\n";
  GatewayProcess second({"--config", Write(config)});
  EXPECT_EQ(second.WaitExit(), 1);
  EXPECT_THAT(second.Log(),
              HasSubstr(fmt::format(
                  "receiver otlp (grpc): listen on 127.0.0.1:{}: Address already in use\n", port)));
}

TEST_F(CommandLineTest, AnUnwritableFileIsOneSentence) {
  std::string config(kGood);
  config.replace(config.find("  debug:"), 8, "  file: {path: /nonexistent/out.json}");
  config.replace(config.find("[debug]"), 7, "[file]");
  config += "  telemetry: {metrics: {level: none}}\n";
  GatewayProcess process({"--config", Write(config)});
  EXPECT_EQ(process.WaitExit(), 1);
  EXPECT_THAT(process.Log(),
              HasSubstr("exporter file: open /nonexistent/out.json: No such file or directory\n"));
}

}  // namespace
}  // namespace wirespan::gateway::testing
