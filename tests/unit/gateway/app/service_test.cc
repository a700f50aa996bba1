// service::telemetry, the listen host and extensions of a configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/components.h"
#include "gateway/app/config_loader.h"

namespace wirespan::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::string_view kPipeline =
    "receivers: {otlp: {protocols: {grpc: , http: }}}\n"
    "exporters: {debug: }\n"
    "service:\n"
    "  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}\n";

Result<GatewayConfig> Read(const std::string& more, const std::string& listen_host = "localhost") {
  return ReadConfig(config::Document::Parse({{.name = "a.yaml", .text = std::string(kPipeline)},
                                             {.name = "b.yaml", .text = more}}),
                    listen_host);
}

std::string ErrorOf(const std::string& more) {
  const auto config = Read(more);
  return config ? "no error" : config.error().message;
}

TEST(TelemetryTest, TakesEveryKeyOfTheCollectorsLogs) {
  const auto config = Read(R"(
service:
  telemetry:
    logs:
      level: WARN
      development: true
      encoding: json
      disable_caller: true
      disable_stacktrace: true
      disable_zap_resource: true
      sampling: {enabled: true, initial: 10, thereafter: 100, tick: 10s}
      output_paths: [stdout, /var/log/gateway.log]
      error_output_paths: [stderr]
      initial_fields: {cluster: east, shard: 3}
      processors: []
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->log.level, log::Level::kWarn);
  EXPECT_TRUE(config->log.json);
  EXPECT_THAT(config->log.outputs, ElementsAre("stdout", "/var/log/gateway.log"));
  EXPECT_THAT(config->log.fields, ElementsAre(Pair("cluster", "east"), Pair("shard", "3")));
}

TEST(TelemetryTest, TakesAPullReaderAndTheResource) {
  const auto config = Read(R"(
service:
  telemetry:
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus:
                host: 10.1.2.3
                port: 9000
                without_scope_info: true
                without_type_suffix: true
                without_units: false
                with_resource_constant_labels: {included: [service.name], excluded: []}
    traces: {level: none, propagators: [tracecontext]}
    resource:
      service.name: edge
      service.instance.id:
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->metrics->host, "10.1.2.3");
  EXPECT_EQ(config->metrics->port, 9000);
  EXPECT_THAT(config->resource, ElementsAre(Pair("service.name", "edge")));
  EXPECT_THAT(config->warnings,
              ElementsAre("b.yaml:13:38: without_type_suffix: names keep their units and _total "
                          "here"));
}

TEST(TelemetryTest, LevelNoneSwitchesThePageOff) {
  const auto config = Read("service: {telemetry: {metrics: {level: none}}}\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->metrics);
}

struct Mistake {
  std::string text;
  std::string error;
};

TEST(TelemetryTest, RefusesWhatItWouldHaveToDoAndCannot) {
  const Mistake mistakes[] = {
      {"service: {telemetry: {metrics: {readers: [{periodic: {interval: 1s}}]}}}\n",
       "b.yaml:1:54: the gateway's own metrics are not pushed: scrape them with a pull reader "
       "(prometheus)"},
      {"service: {telemetry: {metrics: {readers: [{pull: }, {pull: }]}}}\n",
       "b.yaml:1:53: there can be one pull reader: the page is served once"},
      {"service: {telemetry: {metrics: {views: [{selector: x}]}}}\n",
       "b.yaml:1:40: views are not supported: drop series where they are scraped"},
      {"service: {telemetry: {traces: {processors: [{batch: }]}}}\n",
       "b.yaml:1:44: the gateway makes no spans of its own, so it exports none"},
      {"service: {telemetry: {logs: {processors: [{batch: }]}}}\n",
       "b.yaml:1:42: the gateway's own logs are not exported as OTLP: collect them from "
       "output_paths"},
      {"service: {telemetry: {logs: {levle: info}}}\n",
       "b.yaml:1:30: unknown key \"levle\" (did you mean \"level\"?)"},
  };
  for (const Mistake& mistake : mistakes) EXPECT_EQ(ErrorOf(mistake.text), mistake.error);
}

TEST(ListenHostTest, StandsInForLocalhostWhereNothingIsWritten) {
  const auto config =
      Read("receivers: {otlp: {protocols: {http: {endpoint: \"localhost:4318\"}}}}\n", "0.0.0.0");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->receivers.at("otlp").grpc->endpoint, "0.0.0.0:4317");
  EXPECT_EQ(config->receivers.at("otlp").http->endpoint, "localhost:4318");
  EXPECT_EQ(config->health.listen.host, "0.0.0.0");
  EXPECT_EQ(config->metrics->host, "0.0.0.0");
  EXPECT_EQ(Read("", "::")->receivers.at("otlp").grpc->endpoint, "[::]:4317");
}

TEST(ListenHostTest, ComesFromItsVariable) {
  EXPECT_EQ(ListenHost([](const std::string& name) -> std::optional<std::string> {
              return name == "WIRESPAN_LISTEN_HOST" ? "0.0.0.0" : "";
            }),
            "0.0.0.0");
  EXPECT_EQ(ListenHost([](const std::string&) { return std::nullopt; }), "localhost");
  EXPECT_EQ(ListenHost([](const std::string&) { return std::string(); }), "localhost");
}

constexpr std::string_view kExtensions = R"(
extensions:
  health_check/x:
    endpoint: 0.0.0.0:1234
    path: up
    response_body: {healthy: fine, unhealthy: ill}
    component_health: {include_recoverable_errors: true, recovery_duration: 1m}
  zpages: {endpoint: "127.0.0.1:0"}
  pprof: {endpoint: "localhost:1777", block_profile_fraction: 3}
  basicauth/server: {htpasswd: {file: /etc/htpasswd, inline: "ann:secret"}}
  basicauth/client: {client_auth: {username: bob, password: builder}}
  bearertokenauth: {scheme: Token, header: X-Auth, tokens: [one, two]}
  headers_setter:
    additional_auth: basicauth/client
    headers:
      - {key: X-Scope-OrgID, value_file: /etc/tenant, default_value: anonymous}
      - {action: delete, key: X-Old}
      - {action: insert, key: X-Env, value: prod}
  file_storage:
    directory: /var/lib/queue
    timeout: 2s
    fsync: false
    create_directory: false
    directory_permissions: "0700"
    recreate: true
    compaction: {on_start: true, on_rebound: true, directory: /tmp, rebound_needed_threshold_mib: 5,
                 rebound_trigger_threshold_mib: 3, check_interval: 5s, max_transaction_size: 100}
service:
  extensions: [health_check/x, zpages, pprof, basicauth/server, basicauth/client, bearertokenauth,
               headers_setter, file_storage]
)";

TEST(ExtensionsConfigTest, ReadsEveryKey) {
  const auto config = Read(std::string(kExtensions));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->health.listen.port, 1234);
  EXPECT_EQ(config->health.listen.path, "/up");
  EXPECT_TRUE(config->health.listen.configured);
  EXPECT_EQ(config->health.unhealthy_body, "ill");
  EXPECT_TRUE(config->health.include_recoverable_errors);
  EXPECT_EQ(config->health.recovery, std::chrono::minutes(1));
  const auto at = [&]<class T>(const char* id, T*) {
    return std::get<T>(config->extensions.at(id));
  };
  EXPECT_EQ(at("zpages", static_cast<StatusPageOptions*>(nullptr)).listen.port, 0);
  const auto server = at("basicauth/server", static_cast<BasicAuthOptions*>(nullptr));
  EXPECT_EQ(server.htpasswd_inline.reveal(), "ann:secret");
  const auto client = at("basicauth/client", static_cast<BasicAuthOptions*>(nullptr));
  EXPECT_EQ(client.password.reveal(), "builder");
  const auto bearer = at("bearertokenauth", static_cast<BearerTokenOptions*>(nullptr));
  EXPECT_EQ(bearer.header, "x-auth");
  EXPECT_EQ(bearer.tokens.at(1).reveal(), "two");
  const auto setter = at("headers_setter", static_cast<HeadersSetterOptions*>(nullptr));
  EXPECT_EQ(setter.additional_auth, "basicauth/client");
  EXPECT_EQ(setter.headers.at(0).value_file, "/etc/tenant");
  EXPECT_EQ(setter.headers.at(0).default_value->reveal(), "anonymous");
  EXPECT_EQ(setter.headers.at(1).action, HeadersSetterOptions::Action::kDelete);
  const auto storage = at("file_storage", static_cast<FileStorageOptions*>(nullptr));
  EXPECT_EQ(storage.storage.path, "/var/lib/queue");
  EXPECT_FALSE(storage.storage.fsync);
  EXPECT_EQ(storage.storage.directory_mode, 0700u);
  EXPECT_FALSE(storage.create_directory);
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("pprof: taken, but nothing is served")));
}

TEST(ExtensionsConfigTest, RefusesWhatCannotWork) {
  const Mistake mistakes[] = {
      {"extensions: {basicauth: }\n",
       "b.yaml:1:14: basicauth needs htpasswd (for receivers) or client_auth (for exporters)"},
      {"extensions: {basicauth: {htpasswd: {inline: x}, client_auth: {username: y}}}\n",
       "b.yaml:1:14: basicauth can have htpasswd (for receivers) or client_auth (for exporters), "
       "not both: define two extensions"},
      {"extensions: {bearertokenauth: {token: ''}}\n",
       "b.yaml:1:14: bearertokenauth needs token, tokens or filename, and none of them empty"},
      {"extensions: {headers_setter: {headers: [{key: a}]}}\n",
       "b.yaml:1:41: header a needs one of value, value_file, from_context and from_attribute"},
      {"extensions: {headers_setter: {headers: [{key: a, from_attribute: b}]}}\n",
       "b.yaml:1:66: authenticators know the attribute username (of basicauth) alone, not b"},
      {"extensions: {headers_setter: {headers: [{key: a, from_context: b, value: c}]}}\n",
       "b.yaml:1:41: header a needs one of value, value_file, from_context and from_attribute"},
      {"extensions: {file_storage: {directory_permissions: rwx}}\n",
       "b.yaml:1:52: expected permissions in octal such as 0750, not \"rwx\""},
      {"extensions: {oauth2client: {}}\nservice: {extensions: [oauth2client]}\n",
       "b.yaml:1:14: unknown extension \"oauth2client\": use bearertokenauth with filename, "
       "renewed "
       "from outside (there are: " +
           NamesIn("extensions") + ")"},
      {"extensions: {health_check: , health_check/2: }\n"
       "service: {extensions: [health_check, health_check/2]}\n",
       "b.yaml:2:38: there can be one health_check"},
      {"service: {extensions: [zpages]}\n", "b.yaml:1:24: extensions does not define \"zpages\""},
      {"extensions: {headers_setter: {headers: [{key: a, value: b}], additional_auth: c}}\n",
       "b.yaml:1:79: extensions does not define \"c\""},
      {"extensions: {headers_setter: {headers: [{key: a, value: b}], additional_auth: zpages},\n"
       "             zpages: }\n",
       "b.yaml:1:79: \"zpages\" is not an authenticator for exporters"},
      {"extensions: {headers_setter: {headers: [{key: a, value: b}], additional_auth: "
       "bearertokenauth},\n             bearertokenauth: {token: x}}\n",
       "b.yaml:1:79: \"bearertokenauth\" is defined but not in service.extensions"},
  };
  for (const Mistake& mistake : mistakes) EXPECT_EQ(ErrorOf(mistake.text), mistake.error);
}

TEST(PrintConfigTest, ShowsTheMergedFileWithoutSecrets) {
  const auto text = PrintConfig(
      {.uris = {"yaml:" + std::string(kExtensions),
                "yaml:exporters::otlp: {headers: {x-key: abc}, tls: {key_pem: PEM, key_file: /k}}"},
       .sets = {"exporters.otlp.endpoint=a:1",
                "exporters.otlp.proxy_url=http://bob:hidden@proxy:3128"}},
      true);
  ASSERT_TRUE(text) << text.error().message;
  for (const char* secret : {"ann:secret", "builder", "one", "abc", "PEM", "prod", "anonymous"}) {
    EXPECT_EQ(text->find(std::string(" ") + secret + "\n"), std::string::npos) << secret;
    EXPECT_EQ(text->find(std::string("\"") + secret + "\"\n"), std::string::npos) << secret;
  }
  EXPECT_THAT(*text,
              HasSubstr("    headers:\n      x-key: \"[REDACTED]\"\n    tls:\n      key_pem: "
                        "\"[REDACTED]\"\n      key_file: /k\n    endpoint: a:1\n"
                        "    proxy_url: \"http://[REDACTED]@proxy:3128\"\n"));
  EXPECT_THAT(*text, HasSubstr("username: bob"));
}

}  // namespace
}  // namespace wirespan::gateway
