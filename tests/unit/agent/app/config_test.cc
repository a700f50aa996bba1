#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/app/config_load.h"
#include "agent/app/config_schema.h"
#include "agent/app/listen_address.h"

namespace wirespan::app {
namespace {

std::string ErrorsOf(const std::string& text) {
  const auto config = ParseConfig("agent.yaml", text);
  return config ? "" : config.error().message;
}

TEST(AgentConfigTest, AnEmptyFileIsTheDefaults) {
  const auto config = ParseConfig("agent.yaml", "");
  ASSERT_TRUE(config) << config.error().message;
  const Config defaults;
  EXPECT_EQ(config->capture.backend, defaults.capture.backend);
  EXPECT_EQ(config->capture.ring_bytes, defaults.capture.ring_bytes);
  EXPECT_EQ(config->capture.head_bytes, defaults.capture.head_bytes);
  EXPECT_EQ(config->capture.http2_head_bytes, defaults.capture.http2_head_bytes);
  EXPECT_EQ(config->capture.splice_at_once, defaults.capture.splice_at_once);
  EXPECT_EQ(config->metrics.listen, defaults.metrics.listen);
  EXPECT_EQ(config->metrics.expire_after, defaults.metrics.expire_after);
  EXPECT_EQ(config->exporting.queue_bytes, defaults.exporting.queue_bytes);
  EXPECT_EQ(config->exporting.batch_delay, defaults.exporting.batch_delay);
  EXPECT_EQ(config->admin_listen, defaults.admin_listen);
  EXPECT_EQ(config->control_socket, defaults.control_socket);
  EXPECT_EQ(config->traces.sampler, defaults.traces.sampler);
}

// Numbers that were promised to users: who changes one tells them.
TEST(AgentConfigTest, DefaultsAreThePromisedOnes) {
  const auto config = ParseConfig("agent.yaml", "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->capture.backend, "auto");
  EXPECT_EQ(config->capture.head_bytes, 16u << 10);
  EXPECT_EQ(config->metrics.max_series_per_service, 2000u);
  EXPECT_EQ(config->metrics.max_series, 20000u);
  EXPECT_EQ(config->metrics.expire_after, std::chrono::minutes(5));
  EXPECT_FALSE(config->metrics.body_sizes);
  EXPECT_EQ(config->metrics.listen, "127.0.0.1:9464");
  EXPECT_EQ(config->admin_listen, "127.0.0.1:8890");
  EXPECT_EQ(config->traces.mode.mode, process::TraceMode::kAuto);
  EXPECT_EQ(config->traces.sampler, "parentbased_always_on");
  EXPECT_EQ(config->traces.max_per_second, 0u);
  EXPECT_EQ(config->redact_query, span::QueryRedaction::kKnown);
  EXPECT_EQ(config->client_address, span::ClientAddress::kFull);
  EXPECT_EQ(config->exporting.timeout, std::chrono::seconds(10));
  EXPECT_FALSE(config->command_args);
}

TEST(AgentConfigTest, ReadsEverySection) {
  const auto config = ParseConfig("agent.yaml", R"(
capture:
  backend: syscall
  ring_bytes: 1MiB
  filter:
    exclude_ports: [22, 5432]
    include: [{executable: nginx}, {container_name: "shop-*"}]
    exclude: [{pod_namespace: kube-system}, {pod_labels: {app: "otel*"}}]
exchanges: {ignore: [{path: /healthz, method: GET}]}
traces: {mode: always, sampler: traceidratio, sampler_arg: "0.25", rules: [{executable: java, mode: never}]}
metrics: {listen: "", body_sizes: true, interval: 10s}
export: {endpoint: "http://gateway:4318", compression: gzip, headers: {x-key: abc}}
services: [{executable: /opt/shop/*, name: shop, namespace: prod}]
routes: [{service: shop, patterns: ["/users/{id}"]}]
redact: {query: drop, client_address: truncated}
limits: {connections: 1000}
kubernetes: {enabled: "on", node_name: n1, server: "https://api:6443", pod_labels: ["team*"], startup_wait: 1s}
log: {format: json}
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->capture.backend, "syscall");
  EXPECT_EQ(config->capture.ring_bytes, 1u << 20);
  EXPECT_EQ(config->capture.exclude_ports, (std::vector<std::uint16_t>{22, 5432}));
  ASSERT_EQ(config->capture.include.size(), 2u);
  EXPECT_EQ(config->capture.include[1].container_name, "shop-*");
  ASSERT_EQ(config->capture.exclude.size(), 2u);
  EXPECT_EQ(config->capture.exclude[0].pod_namespace, "kube-system");
  EXPECT_EQ(process::DescribeMatch(config->capture.exclude[1]), "pod_labels.app=otel*");
  EXPECT_EQ(config->kubernetes.enabled, "on");
  EXPECT_EQ(config->kubernetes.node_name, "n1");
  EXPECT_EQ(config->kubernetes.pod_labels, std::vector<std::string>{"team*"});
  EXPECT_EQ(config->kubernetes.startup_wait, std::chrono::seconds(1));
  ASSERT_EQ(config->ignore.size(), 1u);
  EXPECT_EQ(config->ignore[0].path, "/healthz");
  EXPECT_EQ(config->traces.mode.mode, process::TraceMode::kAlways);
  ASSERT_EQ(config->traces.mode.rules.size(), 1u);
  EXPECT_EQ(config->traces.mode.rules[0].mode, process::TraceMode::kNever);
  EXPECT_EQ(config->traces.sampler_arg, "0.25");
  EXPECT_TRUE(config->metrics.listen.empty());
  EXPECT_EQ(config->metrics.interval, std::chrono::seconds(10));
  EXPECT_EQ(config->exporting.headers.at(0).second, "abc");
  EXPECT_EQ(config->services.at(0).name_space, "prod");
  EXPECT_EQ(config->routes.at(0).patterns.at(0), "/users/{id}");
  EXPECT_EQ(config->redact_query, span::QueryRedaction::kDrop);
  EXPECT_EQ(config->client_address, span::ClientAddress::kTruncated);
  EXPECT_EQ(config->max_connections, 1000u);
  EXPECT_EQ(config->log_format, "json");
}

TEST(AgentConfigTest, NamesEveryMistakeWithItsPlace) {
  const auto errors = ErrorsOf(R"(capture:
  backend: magic
  filtre: {}
routes:
  - patterns: ["users"]
admin: {listen: nowhere}
metrics: {interval: soon}
)");
  EXPECT_NE(errors.find("agent.yaml:2:12: "), std::string::npos) << errors;
  EXPECT_NE(errors.find("socktrace"), std::string::npos) << errors;
  EXPECT_NE(errors.find("agent.yaml:3:3: "), std::string::npos) << errors;
  EXPECT_NE(errors.find("\"filter\""), std::string::npos) << errors;
  EXPECT_NE(errors.find("agent.yaml:5:15: "), std::string::npos) << errors;
  EXPECT_NE(errors.find("agent.yaml:6:17: "), std::string::npos) << errors;
  EXPECT_NE(errors.find("agent.yaml:7:21: "), std::string::npos) << errors;
}

// Programs that nobody reads cost the observed ones: they stay half a minute at most.
TEST(AgentConfigTest, BoundsHowLongProgramsAreLeftBehind) {
  EXPECT_EQ(ErrorsOf("capture: {handover: 30s}"), "");
  EXPECT_NE(ErrorsOf("capture: {handover: 31s}").find("agent.yaml:1:21: "), std::string::npos)
      << ErrorsOf("capture: {handover: 31s}");
}

TEST(AgentConfigTest, RefusesARuleThatNamesNothing) {
  EXPECT_NE(ErrorsOf("capture: {filter: {exclude: [{}]}}"), "");
  EXPECT_NE(ErrorsOf("capture: {filter: {exclude_ports: [70000]}}"), "");
}

TEST(AgentConfigTest, SaysWhatNeedsARestart) {
  auto changed = *ParseConfig("agent.yaml", "capture: {backend: syscall}\nlog: {level: debug}");
  EXPECT_EQ(FixedChanges(*ParseConfig("agent.yaml", ""), changed),
            (std::vector<std::string>{"capture.backend"}));
}

TEST(ListenAddressTest, ReadsHostsAndPorts) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:8890")->port, 8890);
  EXPECT_EQ(ParseListenAddress("[::1]:1")->host, "::1");
  EXPECT_EQ(ParseListenAddress(":9464")->host, "0.0.0.0");
  for (const char* bad : {"", "8890", "host", "host:99999", "::1:80", "[::1:80", "h:-1"}) {
    EXPECT_FALSE(ParseListenAddress(bad)) << bad;
  }
}

// The table of docs/configuration.md, as the schema gives it.
std::string Documentation() {
  std::string table = "| key | type | default | what it does |\n|---|---|---|---|\n";
  for (const auto& line : config::Flatten(ConfigSchema())) {
    std::string type(config::TypeName(line.key->type));
    if (!line.key->choices.empty()) type = fmt::format("{}", fmt::join(line.key->choices, ", "));
    const auto& text = line.key->default_text;
    table += fmt::format("| `{}` | {} | {} | {} |\n", line.path, type,
                         text.empty() ? "" : "`" + text + "`", line.key->help);
  }
  return table;
}

// With WIRESPAN_WRITE_DOCS=1 in the environment this writes the table instead of comparing it.
TEST(AgentConfigTest, EveryKeyIsDocumented) {
  const std::string path = "docs/configuration.md";
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  std::string document = text.str();
  const std::string begin = "<!-- keys: begin -->\n";
  const std::string end = "<!-- keys: end -->";
  const auto from = document.find(begin);
  const auto to = document.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  const auto at = from + begin.size();
  if (std::getenv("WIRESPAN_WRITE_DOCS") != nullptr) {
    document.replace(at, to - at, Documentation());
    std::ofstream(path) << document;
    return;
  }
  EXPECT_EQ(document.substr(at, to - at), Documentation());
}

}  // namespace
}  // namespace wirespan::app
