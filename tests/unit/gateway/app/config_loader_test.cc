#include "gateway/app/config_loader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "gateway/app/components.h"

namespace wirespan::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<GatewayConfig> Read(std::vector<std::string> texts,
                           std::map<std::string, std::string> variables = {},
                           const std::string& listen_host = "localhost") {
  std::vector<config::Source> sources;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    sources.push_back({std::string(1, static_cast<char>('a' + i)) + ".yaml", std::move(texts[i])});
  }
  const auto environment = [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  return ReadConfig(config::Document::Parse(sources, environment), listen_host);
}

// A pipeline around one component's settings.
std::string With(std::string_view receiver, std::string_view processor, std::string_view exporter) {
  std::string text = "receivers:\n  otlp:\n    protocols:\n      grpc:";
  text += receiver;
  text += "\nprocessors:\n  batch:";
  text += processor;
  text += "\nexporters:\n  otlp:\n    endpoint: backend:4317";
  text += exporter;
  text +=
      "\nservice:\n  pipelines:\n    traces: {receivers: [otlp], processors: [batch], exporters: "
      "[otlp]}\n";
  return text;
}

std::string ErrorOf(std::string text) {
  auto config = Read({std::move(text)});
  return config ? "no error" : config.error().message;
}

TEST(ConfigLoaderTest, HasTheCollectorsDefaults) {
  auto config = Read({With("", "", "")});
  ASSERT_TRUE(config) << config.error().message;
  const GrpcServerOptions& grpc = *config->receivers.at("otlp").grpc;
  EXPECT_EQ(grpc.endpoint, "localhost:4317");
  EXPECT_EQ(grpc.max_recv_msg_size_bytes, 4u << 20);
  EXPECT_FALSE(config->receivers.at("otlp").http);
  EXPECT_EQ(HttpServerOptions{}.endpoint, "localhost:4318");
  EXPECT_EQ(HttpServerOptions{}.max_request_body_bytes, 20u << 20);
  const auto& batch = std::get<BatchOptions>(config->processors.at("batch"));
  EXPECT_EQ(batch.timeout, milliseconds(200));
  EXPECT_EQ(batch.send_batch_size, 8192u);
  EXPECT_EQ(batch.send_batch_max_size, 0u);
  const ExporterConfig& exporter = config->exporters.at("otlp");
  const auto& client = std::get<GrpcClientOptions>(exporter.kind);
  EXPECT_EQ(client.timeout, seconds(5));
  EXPECT_EQ(client.compression, Compression::kGzip);
  EXPECT_FALSE(client.tls.insecure);
  EXPECT_TRUE(exporter.queue.enabled);
  EXPECT_EQ(exporter.queue.num_consumers, 10u);
  EXPECT_EQ(exporter.queue.queue_size, 1000u);
  EXPECT_EQ(exporter.retry.initial_interval, seconds(5));
  EXPECT_EQ(exporter.retry.max_interval, seconds(30));
  EXPECT_EQ(exporter.retry.max_elapsed_time, seconds(300));
  EXPECT_EQ(config->metrics->port, 8888);
  EXPECT_EQ(config->health.listen.port, 13133);
  EXPECT_FALSE(config->health.listen.configured);
}

TEST(ConfigLoaderTest, ReadsEveryComponent) {
  auto config = Read({R"(
receivers:
  otlp/all:
    protocols:
      grpc:
        endpoint: "[::]:14317"
        max_recv_msg_size_mib: 16
        max_concurrent_streams: 100
        keepalive: {server_parameters: {max_connection_age: 1m30s}}
      http: {endpoint: 0.0.0.0:14318, max_request_body_size: 1000, traces_url_path: spans}
processors:
  batch/1: {timeout: 1s, send_batch_size: 10, send_batch_max_size: 20}
exporters:
  otlp_http/1:
    endpoint: https://backend/otlp
    compression: zstd
    encoding: json
    headers: {X-Scope-OrgID: team}
    tls: {insecure_skip_verify: true}
    sending_queue: {enabled: false}
    retry_on_failure: {max_elapsed_time: 0}
  file/1: {path: /tmp/x, format: proto, rotation: {max_megabytes: 5, max_backups: 2}}
  debug/1: {verbosity: detailed}
extensions:
  health_check: {endpoint: "0.0.0.0:1313", path: /healthy}
service:
  extensions: [health_check]
  telemetry:
    logs: {level: DEBUG, encoding: json}
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}}]}
  pipelines:
    logs/x: {receivers: [otlp/all], processors: [batch/1], exporters: [otlp_http/1, file/1, debug/1]}
)"});
  ASSERT_TRUE(config) << config.error().message;
  const ReceiverConfig& receiver = config->receivers.at("otlp/all");
  EXPECT_EQ(receiver.grpc->max_recv_msg_size_bytes, 16u << 20);
  EXPECT_EQ(receiver.grpc->connection.max_age, seconds(90));
  EXPECT_EQ(receiver.http->traces_path, "/spans");
  EXPECT_EQ(receiver.http->max_request_body_bytes, 1000u);
  EXPECT_EQ(std::get<BatchOptions>(config->processors.at("batch/1")).send_batch_max_size, 20u);
  const ExporterConfig& http = config->exporters.at("otlp_http/1");
  EXPECT_EQ(std::get<HttpClientOptions>(http.kind).encoding, Encoding::kJson);
  EXPECT_EQ(std::get<HttpClientOptions>(http.kind).headers.at(0).second, "team");
  EXPECT_FALSE(http.queue.enabled);
  EXPECT_EQ(http.retry.max_elapsed_time, milliseconds(0));
  EXPECT_EQ(std::get<FileOptions>(config->exporters.at("file/1").kind).max_backups, 2u);
  EXPECT_EQ(std::get<DebugOptions>(config->exporters.at("debug/1").kind).verbosity,
            Verbosity::kDetailed);
  EXPECT_EQ(config->health.listen.port, 1313);
  EXPECT_EQ(config->health.listen.path, "/healthy");
  EXPECT_TRUE(config->health.listen.configured);
  EXPECT_EQ(config->metrics->port, 9999);
  EXPECT_TRUE(config->log.json);
  ASSERT_EQ(config->pipelines.size(), 1u);
  EXPECT_EQ(config->pipelines[0].signal, Signal::kLogs);
  EXPECT_THAT(config->pipelines[0].exporters, ElementsAre("otlp_http/1", "file/1", "debug/1"));
}

std::string WithStores(const std::string& exporters, const std::string& signal,
                       const std::string& used) {
  return "receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n" + exporters +
         "extensions:\n  basicauth: {htpasswd: {inline: 'ann:secret'}}\n"
         "service:\n  extensions: [basicauth]\n  pipelines:\n    " +
         signal + ": {receivers: [otlp], exporters: [" + used + "]}\n";
}

TEST(ConfigLoaderTest, ReadsAStore) {
  auto small = Read({WithStores("  store: {directory: /d}\n", "traces", "store")});
  ASSERT_TRUE(small) << small.error().message;
  const auto& defaults = std::get<StoreExporterOptions>(small->exporters.at("store").kind);
  EXPECT_EQ(defaults.store.directory, "/d");
  EXPECT_TRUE(defaults.store.sync);
  EXPECT_EQ(defaults.store.max_age, std::chrono::hours(168));
  EXPECT_EQ(defaults.store.max_disk_bytes, std::uint64_t{10} << 30);
  EXPECT_EQ(defaults.query->endpoint, "localhost:16686");
  EXPECT_FALSE(small->exporters.at("store").queue.enabled);
  auto large = Read({WithStores(R"(  store:
    directory: /d
    fsync: false
    retention: {max_age: 2h, max_size_mib: 300}
    query: {endpoint: "0.0.0.0:99", auth: {authenticator: basicauth}, tls: {cert_file: c, key_file: k}}
)",
                                "traces", "store")});
  ASSERT_TRUE(large) << large.error().message;
  const auto& all = std::get<StoreExporterOptions>(large->exporters.at("store").kind);
  EXPECT_FALSE(all.store.sync);
  EXPECT_EQ(all.store.max_age, std::chrono::hours(2));
  EXPECT_EQ(all.store.max_disk_bytes, 300u << 20);
  EXPECT_EQ(all.query->endpoint, "0.0.0.0:99");
  EXPECT_EQ(all.query->authenticator, "basicauth");
  EXPECT_EQ(all.query->tls->cert_file, "c");
  auto elsewhere =
      Read({WithStores("  store: {directory: /d}\n", "traces", "store")}, {}, "0.0.0.0");
  ASSERT_TRUE(elsewhere) << elsewhere.error().message;
  EXPECT_EQ(std::get<StoreExporterOptions>(elsewhere->exporters.at("store").kind).query->endpoint,
            "0.0.0.0:16686");
}

TEST(ConfigLoaderTest, RefusesAStoreThatCannotBe) {
  const auto error = [](const std::string& exporters, const std::string& signal,
                        const std::string& used) {
    return ErrorOf(WithStores(exporters, signal, used));
  };
  EXPECT_EQ(error("  store: {}\n", "traces", "store"), "a.yaml:3:3: store needs a directory");
  EXPECT_EQ(error("  store: {directory: /d}\n", "metrics", "store"), "no error");
  EXPECT_EQ(error("  store: {directory: /d}\n", "logs", "store"),
            "a.yaml:9:5: store takes traces and agents' metrics alone");
  EXPECT_THAT(error("  store: {directory: /d}\n  store/2: {directory: /d, query: {endpoint: "
                    "'localhost:1'}}\n",
                    "traces", "store, store/2"),
              HasSubstr("a.yaml:4:3: /d is in use by store: name store in several pipelines"));
  EXPECT_THAT(
      error("  store: {directory: /d}\n  store/2: {directory: /e}\n", "traces", "store, store/2"),
      HasSubstr("localhost:16686 is in use by store"));
  EXPECT_THAT(error("  store: {directory: /d, retention: {max_size_mib: 5}}\n", "traces", "store"),
              HasSubstr("a.yaml:3:52: "));
  EXPECT_THAT(error("  store: {directory: /d, query: {cors: {max_age: 5}}}\n", "traces", "store"),
              HasSubstr("cors has no meaning here"));
  EXPECT_THAT(error("  store: {directory: /d, sending_queue: {}}\n", "traces", "store"),
              HasSubstr("sending_queue"));
}

TEST(ConfigLoaderTest, ReplacesVariablesAndMergesFiles) {
  auto config = Read({With(" {endpoint: \"${env:HOST}:${env:PORT:-4317}\"}", "", ""),
                      "exporters: {otlp: {endpoint: \"other:4317\"}}\n"},
                     {{"HOST", "10.0.0.7"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->receivers.at("otlp").grpc->endpoint, "10.0.0.7:4317");
  EXPECT_EQ(std::get<GrpcClientOptions>(config->exporters.at("otlp").kind).endpoint, "other:4317");
}

TEST(ConfigLoaderTest, GrpcAndHttpWithTheSameEndpointShareAPort) {
  const auto with = [](std::string_view grpc, std::string_view http) {
    auto config =
        Read({fmt::format("receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"{}\", keepalive: "
                          "{{server_parameters: {{max_connection_age: 1m}}}}}}, http: {{endpoint: "
                          "\"{}\"}}}}}}}}\nexporters: {{debug: }}\nservice: {{pipelines: {{traces: "
                          "{{receivers: [otlp], exporters: [debug]}}}}}}\n",
                          grpc, http)},
             {});
    EXPECT_TRUE(config) << config.error().message;
    return config->receivers.at("otlp");
  };
  const ReceiverConfig shared = with("0.0.0.0:4317", "0.0.0.0:4317");
  EXPECT_TRUE(shared.one_port());
  EXPECT_EQ(shared.http->connection.max_age, std::chrono::minutes(1));
  EXPECT_FALSE(with("0.0.0.0:4317", "0.0.0.0:4318").one_port());
  EXPECT_FALSE(with("localhost:0", "localhost:0").one_port());
}

struct Mistake {
  const char* what;
  std::string text;
  std::string error;
};

TEST(ConfigLoaderTest, NamesThePlaceOfEachMistakeAndWhatThereIs) {
  const std::vector<Mistake> mistakes = {
      {"unknown receiver",
       "receivers:\n  jaeger:\nservice:\n  pipelines:\n    traces: {receivers: [jaeger], "
       "exporters: [debug]}\nexporters:\n  debug:\n",
       "a.yaml:2:3: unknown receiver \"jaeger\": use otlp: Jaeger's clients and agents have sent "
       "OTLP "
       "since 1.35 (there are: otlp"},
      {"unknown processor", With("", "\n  tail_sampling: {}", ""),
       "a.yaml:7:3: unknown processor \"tail_sampling\": probabilistic_sampler decides by trace "
       "id; for "
       "policies keep a Collector behind (there are: attributes, "},
      {"unknown exporter", With("", "", "\n  loki: {}"),
       "a.yaml:10:3: unknown exporter \"loki\": use otlphttp with endpoint http://LOKI:3100/otlp "
       "(there "
       "are: debug, file, otlp, otlp_grpc, otlphttp, otlp_http"},
      {"connector", With("", "", "\nconnectors:\n  spanmetrics:"),
       "a.yaml:11:3: unknown connector \"spanmetrics\": keep it in a Collector behind this gateway "
       "(there "
       "are: none)"},
      {"key with a near one", With(" {endpont: x}", "", ""),
       "a.yaml:4:14: unknown key \"endpont\" (did you mean \"endpoint\"?)"},
      {"key with none near", With("", " {colour: [a]}", ""),
       "a.yaml:6:11: unknown key \"colour\" (known here: "},
      {"top level key", With("", "", "\nprocesors: {}"),
       "a.yaml:10:1: unknown key \"procesors\" (did you mean \"processors\"?)"},
      {"duration", With("", " {timeout: 5}", ""), "a.yaml:6:20:"},
      {"proxy", With("", "", "\n    proxy_url: socks5://h"),
       "a.yaml:10:16: proxy_url: URL is neither http nor https"},
      {"choice", With("", "", "\n    compression: zstd"), "a.yaml:10:18:"},
      {"endpoint", With(" {endpoint: nowhere}", "", ""),
       "a.yaml:4:24: endpoint \"nowhere\" is not host:port"},
      {"no protocol",
       "receivers:\n  otlp:\nexporters:\n  debug:\nservice:\n  pipelines:\n    traces: {receivers: "
       "[otlp], exporters: [debug]}\n",
       "a.yaml:2:3: otlp needs protocols with grpc, http or both"},
      {"no endpoint",
       "receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlphttp:\nservice:\n  "
       "pipelines:\n    traces: {receivers: [otlp], exporters: [otlphttp]}\n",
       "a.yaml:3:3: otlphttp needs an endpoint"},
      {"no pipelines", "receivers: {otlp: {protocols: {grpc: }}}\n",
       "a.yaml:1:1: service.pipelines must have at least one pipeline"},
      {"unknown pipeline", With("", "", "") + "    spans: {receivers: [otlp], exporters: [otlp]}\n",
       "a.yaml:13:5: unknown pipeline \"spans\" (its name begins with traces, metrics, logs or "
       "profiles)"},
      {"batch of profiles",
       With("", "", "") +
           "    profiles: {receivers: [otlp], processors: [batch], exporters: [otlp]}\n",
       "a.yaml:13:5: batch takes no profiles: they pass through unchanged and one by one, so "
       "memory_limiter alone may stand here"},
      {"one port, two kinds of TLS",
       "receivers:\n  otlp:\n    protocols:\n      grpc: {endpoint: \"h:1\"}\n      http: "
       "{endpoint: "
       "\"h:1\", tls: {cert_file: a, key_file: b}}\nexporters:\n  debug:\nservice:\n  pipelines:\n "
       "   "
       "traces: {receivers: [otlp], exporters: [debug]}\n",
       "a.yaml:5:13: grpc and http share the endpoint h:1, so both need the same tls block, or "
       "none"},
      {"no exporters", With("", "", "") + "    logs: {receivers: [otlp]}\n",
       "a.yaml:13:5: logs needs exporters"},
      {"twice", With("", "", "") + "    logs: {receivers: [otlp], exporters: [otlp, otlp]}\n",
       "a.yaml:13:49: \"otlp\" stands here twice"},
      {"undefined", With("", "", "") + "    logs: {receivers: [otlp/2], exporters: [otlp]}\n",
       "a.yaml:13:24: receivers does not define \"otlp/2\""},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.what);
    const std::string error = ErrorOf(mistake.text);
    EXPECT_THAT(error, HasSubstr(mistake.error));
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;  // one mistake, one line
  }
}

TEST(ConfigLoaderTest, SaysWhichExportersHoldUpTheOthers) {
  const auto warnings = [](const std::string& exporters, const std::string& pipelines) {
    const auto config =
        Read({"receivers: {otlp: {protocols: {grpc: }}, zipkin: }\n"
              "extensions: {file_storage: }\nexporters:\n" +
              exporters + "service:\n  extensions: [file_storage]\n  pipelines:\n" + pipelines});
    EXPECT_TRUE(config) << config.error().message;
    return config ? config->warnings : std::vector<std::string>();
  };
  const std::string both =
      "  otlp: {endpoint: 'a:1'}\n  otlp/b: {endpoint: 'b:1'}\n  debug:\n  file: {path: f}\n"
      "  otlp/disk: {endpoint: 'c:1', sending_queue: {storage: file_storage}}\n"
      "  zipkin: {endpoint: 'http://d', sending_queue: {wait_for_result: false}}\n";
  const std::string rest =
      " down or full, senders are refused and no other exporter gets anything; with "
      "sending_queue::storage (or wait_for_result: false, out of memory) it holds up nobody";
  EXPECT_THAT(
      warnings(both, "    traces: {receivers: [otlp, zipkin], exporters: [otlp, otlp/b]}\n"),
      ::testing::ElementsAre("a.yaml:13:52: while otlp or otlp/b is" + rest));
  // Also where the same receiver feeds two pipelines.
  EXPECT_THAT(warnings(both,
                       "    traces: {receivers: [otlp], exporters: [otlp]}\n"
                       "    traces/2: {receivers: [otlp], exporters: [otlp/disk]}\n"),
              ::testing::ElementsAre("a.yaml:13:44: while otlp is" + rest));
  for (const char* independent : {"[otlp]", "[otlp, debug]", "[otlp/disk, zipkin, file]"}) {
    EXPECT_THAT(
        warnings(both, std::string("    traces: {receivers: [otlp], exporters: ") + independent +
                           "}\n    logs: {receivers: [otlp], exporters: "
                           "[otlp/b]}\n"),
        ::testing::IsEmpty())
        << independent;
  }
}

TEST(ConfigLoaderTest, TellsAllMistakesAtOnce) {
  const std::string error = ErrorOf(With(" {endpont: x}", " {timout: 1s}", ""));
  EXPECT_THAT(error, HasSubstr("a.yaml:4:14:"));
  EXPECT_THAT(error, HasSubstr("a.yaml:6:11:"));
}

TEST(ComponentsTest, ListsEveryType) {
  EXPECT_EQ(TypeOf("otlp/2"), "otlp");
  for (const ComponentType& type : ComponentTypes()) {
    EXPECT_THAT(ComponentsText(), HasSubstr(std::string(type.names.front())));
  }
}

}  // namespace
}  // namespace wirespan::gateway
