#include "agent/export/options_env.h"

#include <gtest/gtest.h>

#include "agent/export/grpc_endpoint.h"

namespace wirespan::exporting {
namespace {

using namespace std::chrono_literals;
using Variables = std::map<std::string, std::string>;

Result<ExporterOptions> Merge(const Variables& variables, ExporterOptions options = {}) {
  return MergeEnvironment(std::move(options),
                          [&](std::string_view name) -> std::optional<std::string> {
                            const auto found = variables.find(std::string(name));
                            if (found == variables.end()) return std::nullopt;
                            return found->second;
                          });
}

TEST(OtlpClientTest, C24_TheDefaultIsHttpProtobufOnLocalhost) {
  const auto options = Merge({}).value();
  EXPECT_EQ(options.traces.protocol, OtlpProtocol::kHttpProtobuf);
  EXPECT_EQ(options.traces.endpoint, "http://localhost:4318/v1/traces");
  EXPECT_EQ(options.metrics.endpoint, "http://localhost:4318/v1/metrics");
  EXPECT_EQ(options.traces.timeout, 10000ms);
  EXPECT_EQ(options.traces.compression, Compression::kNone);
  EXPECT_EQ(Merge({{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}})->metrics.endpoint,
            "http://localhost:4317");
}

// The three examples of the specification, word for word.
TEST(OtlpClientTest, C22_EndpointsAreBuiltAsTheSpecificationSays) {
  const auto one = Merge({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"}}).value();
  EXPECT_EQ(one.traces.endpoint, "http://collector:4318/v1/traces");
  EXPECT_EQ(one.metrics.endpoint, "http://collector:4318/v1/metrics");

  const auto two =
      Merge({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318"},
             {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://collector.example.com/v1/metrics"}})
          .value();
  EXPECT_EQ(two.traces.endpoint, "http://collector:4318");  // used as it is: the path is "/"
  EXPECT_EQ(two.metrics.endpoint, "https://collector.example.com/v1/metrics");

  const auto three =
      Merge({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/mycollector/"},
             {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://collector.example.com/v1/metrics/"}})
          .value();
  EXPECT_EQ(three.traces.endpoint, "http://collector:4318/mycollector/v1/traces");
  EXPECT_EQ(three.metrics.endpoint, "https://collector.example.com/v1/metrics/");
}

TEST(OtlpClientTest, C21_EveryOptionHasAGeneralAndAnOwnVariable) {
  const struct {
    const char* name;
    const char* general;
    const char* own;
  } kOptions[] = {{"PROTOCOL", "grpc", "http/protobuf"},
                  {"ENDPOINT", "https://general:4317", "http://own:4318/m"},
                  {"INSECURE", "true", "False"},
                  {"CERTIFICATE", "/ca", "/own-ca"},
                  {"CLIENT_KEY", "/key", "/own-key"},
                  {"CLIENT_CERTIFICATE", "/cert", "/own-cert"},
                  {"HEADERS", "a=1", "b=2"},
                  {"COMPRESSION", "gzip", "zstd"},
                  {"TIMEOUT", "5000", "7000"}};
  for (const bool traces_own : {true, false}) {
    SCOPED_TRACE(traces_own ? "TRACES" : "METRICS");
    Variables variables;
    for (const auto& option : kOptions) {
      const std::string prefix = "OTEL_EXPORTER_OTLP_";
      variables.emplace(prefix + option.name, option.general);
      variables.emplace(prefix + (traces_own ? "TRACES_" : "METRICS_") + option.name, option.own);
    }
    const auto options = Merge(variables).value();
    const SignalOptions& general = traces_own ? options.metrics : options.traces;
    EXPECT_EQ(general.protocol, OtlpProtocol::kGrpc);
    EXPECT_EQ(general.endpoint, "https://general:4317");
    EXPECT_TRUE(general.insecure);
    EXPECT_EQ(general.ca_file, "/ca");
    EXPECT_EQ(general.key_file, "/key");
    EXPECT_EQ(general.certificate_file, "/cert");
    EXPECT_EQ(general.headers, (std::map<std::string, std::string>{{"a", "1"}}));
    EXPECT_EQ(general.compression, Compression::kGzip);
    EXPECT_EQ(general.timeout, 5000ms);
    const SignalOptions& own = traces_own ? options.traces : options.metrics;
    EXPECT_EQ(own.protocol, OtlpProtocol::kHttpProtobuf);
    EXPECT_EQ(own.endpoint, "http://own:4318/m");
    EXPECT_FALSE(own.insecure);
    EXPECT_EQ(own.ca_file, "/own-ca");
    EXPECT_EQ(own.key_file, "/own-key");
    EXPECT_EQ(own.certificate_file, "/own-cert");
    EXPECT_EQ(own.headers, (std::map<std::string, std::string>{{"b", "2"}}));
    EXPECT_EQ(own.compression, Compression::kZstd);
    EXPECT_EQ(own.timeout, 7000ms);
  }
}

TEST(OtlpClientTest, C25_HeadersAreAUrlEncodedList) {
  const auto headers = ParseHeaders("a=b%20c,d=e").value();
  EXPECT_EQ(headers, (std::map<std::string, std::string>{{"a", "b c"}, {"d", "e"}}));
  EXPECT_EQ(ParseHeaders(" Authorization = Basic%20eDp5== , x=").value(),
            (std::map<std::string, std::string>{{"Authorization", "Basic eDp5=="}, {"x", ""}}));
  for (const char* bad : {"novalue", "=x", "a=%2", "a=%zz"})
    EXPECT_FALSE(ParseHeaders(bad).has_value()) << bad;
}

TEST(OtlpClientTest, C23_GrpcEndpointsTakeASchemeThatDecidesOnTls) {
  const struct {
    const char* text;
    bool insecure;
    const char* target;
    bool tls;
  } kCases[] = {{"http://host:4317", false, "host:4317", false},
                {"https://host:4317", true, "host:4317", true},
                {"host:4317", false, "host:4317", true},
                {"host:4317", true, "host:4317", false},
                {"host", true, "host:4317", false},
                {"https://host", false, "host:443", true},
                {"http://host:1/ignored", false, "host:1", false},
                {"http://[::1]:4317", false, "[::1]:4317", false},
                {"[::1]", true, "[::1]:4317", false},
                {"unix:///run/x.sock", false, "unix:///run/x.sock", false},
                {"dns:///host:1", false, "dns:///host:1", true}};
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.text);
    const auto endpoint = ParseGrpcEndpoint(test.text, test.insecure);
    ASSERT_TRUE(endpoint.has_value()) << endpoint.error().message;
    EXPECT_EQ(endpoint->target, test.target);
    EXPECT_EQ(endpoint->tls, test.tls);
  }
  for (const char* bad : {"", "ftp://host", "http://", "http://host:99999", "http://u:p@host:1"}) {
    EXPECT_FALSE(ParseGrpcEndpoint(bad, false).has_value()) << bad;
  }
}

TEST(OptionsEnvTest, TheEnvironmentWinsOverTheFileAndAnEmptyVariableIsNone) {
  ExporterOptions file;
  file.traces.endpoint = "http://file:1/x";
  file.traces.compression = Compression::kZstd;
  file.traces.headers = {{"k", "v"}};
  const auto kept =
      Merge({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}, {"OTEL_EXPORTER_OTLP_COMPRESSION", " "}}, file)
          .value();
  EXPECT_EQ(kept.traces.endpoint, "http://file:1/x");
  EXPECT_EQ(kept.traces.compression, Compression::kZstd);
  EXPECT_EQ(kept.traces.headers.at("k"), "v");
  const auto changed = Merge(
      {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:2"}, {"OTEL_EXPORTER_OTLP_COMPRESSION", "none"}},
      file);
  EXPECT_EQ(changed->traces.endpoint, "http://env:2/v1/traces");
  EXPECT_EQ(changed->traces.compression, Compression::kNone);
}

TEST(OptionsEnvTest, ErrorsNameTheVariableAndKeepSecrets) {
  const Variables kBad = {{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
                          {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "udp"},
                          {"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
                          {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://x"},
                          {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
                          {"OTEL_EXPORTER_OTLP_COMPRESSION", "br"},
                          {"OTEL_EXPORTER_OTLP_INSECURE", "1"},
                          {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "s3cret"},
                          {"OTEL_TRACES_EXPORTER", "zipkin"},
                          {"OTEL_BSP_SCHEDULE_DELAY", "-5"},
                          {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"}};
  for (const auto& variable : kBad) {
    const auto result = Merge({variable});
    ASSERT_FALSE(result.has_value()) << variable.first;
    EXPECT_TRUE(result.error().message.starts_with(variable.first + ": "))
        << result.error().message;
    EXPECT_EQ(result.error().message.find("s3cret"), std::string::npos);
  }
}

TEST(OptionsEnvTest, ExportersBatchesAndProxies) {
  const auto options = Merge({{"OTEL_TRACES_EXPORTER", "none"},
                              {"OTEL_METRICS_EXPORTER", "prometheus"},
                              {"OTEL_BSP_SCHEDULE_DELAY", "250"},
                              {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64"},
                              {"HTTPS_PROXY", "http://proxy:3128"},
                              {"http_proxy", "http://plain:3128"},
                              {"NO_PROXY", "localhost,.internal"}})
                           .value();
  EXPECT_FALSE(options.traces.enabled);
  EXPECT_FALSE(options.metrics.enabled);
  EXPECT_EQ(options.batch_delay, 250ms);
  EXPECT_EQ(options.batch_spans, 64u);
  EXPECT_EQ(options.proxy, "http://proxy:3128");
  EXPECT_EQ(options.http_proxy, "http://plain:3128");
  EXPECT_EQ(options.no_proxy, "localhost,.internal");
  EXPECT_TRUE(Merge({{"OTEL_METRICS_EXPORTER", "otlp,prometheus"}})->metrics.enabled);
}

}  // namespace
}  // namespace wirespan::exporting
