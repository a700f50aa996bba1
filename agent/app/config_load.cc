#include "agent/app/config_load.h"

#include <cstdlib>
#include <tuple>

#include "agent/app/config_schema.h"
#include "agent/app/listen_address.h"
#include "common/base/glob.h"
#include "common/base/strings.h"
#include "common/config/document.h"
#include "common/http/url.h"
#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

using config::Section;

const char* Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// The standard variables that are not the exporter's (those are agent/export/options_env.h's).
void ApplyEnvironment(Config& config) {
  if (const char* sampler = Variable("OTEL_TRACES_SAMPLER")) config.traces.sampler = sampler;
  if (const char* argument = Variable("OTEL_TRACES_SAMPLER_ARG"))
    config.traces.sampler_arg = argument;
  if (const char* interval = Variable("OTEL_METRIC_EXPORT_INTERVAL")) {
    if (const auto ms = ParseUint(interval); ms && *ms >= 100) {
      config.metrics.interval = std::chrono::milliseconds(*ms);
    } else {
      log::Warn(
          "OTEL_METRIC_EXPORT_INTERVAL: '{}' is no number of milliseconds from 100 on, ignored",
          interval);
    }
  }
  if (const char* level = Variable("OTEL_LOG_LEVEL")) {
    if (const auto known = log::ParseLevel(level)) {
      config.log_level = level;
    } else {
      log::Warn("OTEL_LOG_LEVEL: {}, ignored", known.error().message);
    }
  }
}

// A rule without any condition would match nothing, a pattern that does not compile too: both are
// mistakes with a place.
process::ProcessMatch MatchOf(const Section& section) {
  process::ProcessMatch match{.executable = section.String("executable"),
                              .command_line = section.String("command_line"),
                              .pid = static_cast<std::uint32_t>(section.Int("pid")),
                              .cgroup = section.String("cgroup"),
                              .container_id = section.String("container_id"),
                              .container_name = section.String("container_name"),
                              .systemd_unit = section.String("systemd_unit"),
                              .pod_namespace = section.String("pod_namespace"),
                              .pod_name = section.String("pod_name"),
                              .pod_labels = section.StringMap("pod_labels")};
  const std::pair<const char*, const std::string*> patterns[] = {
      {"executable", &match.executable},
      {"command_line", &match.command_line},
      {"cgroup", &match.cgroup},
      {"container_id", &match.container_id},
      {"container_name", &match.container_name},
      {"systemd_unit", &match.systemd_unit},
      {"pod_namespace", &match.pod_namespace},
      {"pod_name", &match.pod_name}};
  for (const auto& [key, pattern] : patterns) {
    if (auto glob = Glob::Compile(*pattern); !glob) section.node(key).Fail(glob.error().message);
  }
  for (const auto& [label, pattern] : match.pod_labels) {
    if (auto glob = Glob::Compile(pattern); !glob)
      section.node("pod_labels").Fail(label + ": " + glob.error().message);
  }
  if (process::DescribeMatch(match).empty()) {
    section.node("executable").Fail("a rule that names no process would match none");
  }
  return match;
}

std::vector<process::ProcessMatch> MatchesOf(const Section& section, std::string_view path) {
  std::vector<process::ProcessMatch> matches;
  for (const auto& item : section.Items(path)) matches.push_back(MatchOf(item));
  return matches;
}

std::vector<std::uint16_t> PortsOf(const Section& section, std::string_view path) {
  std::vector<std::uint16_t> ports;
  for (const auto& text : section.Strings(path)) {
    const auto port = ParseUint(text);
    if (port && *port > 0 && *port < 65536)
      ports.push_back(static_cast<std::uint16_t>(*port));
    else
      section.node(path).Fail("'" + text + "' is no port from 1 to 65535");
  }
  return ports;
}

process::TraceMode ModeOf(const std::string& word) {
  if (word == "always") return process::TraceMode::kAlways;
  return word == "never" ? process::TraceMode::kNever : process::TraceMode::kAuto;
}

std::chrono::milliseconds Milliseconds(const Section& section, std::string_view path) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(section.Duration(path));
}

void ReadCapture(const Section& section, CaptureConfig& capture) {
  capture.backend = section.String("backend");
  capture.ring_bytes = section.Size("ring_bytes");
  capture.head_bytes = static_cast<std::uint32_t>(section.Size("head_bytes"));
  capture.http2_head_bytes = static_cast<std::uint32_t>(section.Size("http2_head_bytes"));
  capture.splice_at_once = section.String("splice") == "always";
  capture.statistics = section.Bool("statistics");
  capture.handover = Milliseconds(section, "handover");
  const Section filter = section.Child("filter");
  capture.own_pod = filter.Bool("own_pod");
  capture.include_ports = PortsOf(filter, "include_ports");
  capture.exclude_ports = PortsOf(filter, "exclude_ports");
  capture.include = MatchesOf(filter, "include");
  capture.exclude = MatchesOf(filter, "exclude");
}

void ReadTraces(const Section& section, TracesConfig& traces) {
  traces.mode.mode = ModeOf(section.String("mode"));
  for (const auto& rule : section.Items("rules")) {
    traces.mode.rules.push_back({.match = MatchOf(rule), .mode = ModeOf(rule.String("mode"))});
  }
  traces.sampler = section.String("sampler");
  traces.sampler_arg = section.String("sampler_arg");
  const bool ratio = traces.sampler.ends_with("traceidratio") && !traces.sampler_arg.empty();
  if (const auto value = ParseDouble(traces.sampler_arg);
      ratio && (!value || *value < 0 || *value > 1)) {
    section.node("sampler_arg")
        .Fail("expected a ratio from 0 to 1, not \"" + traces.sampler_arg + "\"");
  }
  traces.max_per_second = static_cast<std::uint64_t>(section.Int("max_per_second"));
}

void ReadMetrics(const Section& section, MetricsConfig& metrics) {
  metrics.listen = section.String("listen");
  metrics.body_sizes = section.Bool("body_sizes");
  metrics.server_address = section.Bool("server_address");
  metrics.interval = Milliseconds(section, "interval");
  metrics.max_series_per_service =
      static_cast<std::uint32_t>(section.Int("max_series_per_service"));
  metrics.max_series = static_cast<std::uint32_t>(section.Int("max_series"));
  metrics.expire_after = Milliseconds(section, "expire_after");
}

void ReadExport(const Section& section, ExportConfig& exporting) {
  exporting.endpoint = section.String("endpoint");
  exporting.protocol = section.String("protocol");
  // gRPC knows names of its own beside URLs; its client judges them.
  if (!exporting.endpoint.empty() && exporting.protocol != "grpc") {
    if (auto url = http::ParseUrl(exporting.endpoint); !url)
      section.node("endpoint").Fail(url.error().message);
  }
  exporting.compression = section.String("compression");
  exporting.headers = section.StringMap("headers");
  exporting.timeout = Milliseconds(section, "timeout");
  exporting.insecure = section.Bool("insecure");
  exporting.ca_file = section.String("tls.ca_file");
  exporting.certificate_file = section.String("tls.cert_file");
  exporting.key_file = section.String("tls.key_file");
  exporting.reload_interval = Milliseconds(section, "tls.reload_interval");
  exporting.batch_spans = static_cast<std::uint32_t>(section.Int("batch_spans"));
  exporting.batch_delay = Milliseconds(section, "batch_delay");
  exporting.queue_bytes = section.Size("queue_bytes");
  exporting.concurrent_requests = static_cast<std::uint32_t>(section.Int("concurrent_requests"));
  exporting.max_elapsed = Milliseconds(section, "max_elapsed");
  exporting.shutdown_timeout = Milliseconds(section, "shutdown_timeout");
  exporting.self_report = section.Bool("self_report");
}

void ReadServices(const Section& root, Config& config) {
  for (const auto& rule : root.Items("services")) {
    config.services.push_back({.match = MatchOf(rule),
                               .name = rule.String("name"),
                               .name_space = rule.String("namespace")});
  }
  for (const auto& rule : root.Items("routes")) {
    config.routes.push_back(
        {.service = rule.String("service"), .patterns = rule.Strings("patterns")});
    // Compiled once more by the pipeline; here for the place of the mistake.
    if (auto compiled = span::Routes::Compile({config.routes.back()}); !compiled)
      rule.node("patterns").Fail(compiled.error().message);
  }
  for (const auto& rule : root.Items("exchanges.ignore")) {
    config.ignore.push_back({.path = rule.String("path"),
                             .method = rule.String("method"),
                             .user_agent = rule.String("user_agent")});
    if (auto compiled = span::IgnoreRules::Compile({config.ignore.back()}); !compiled)
      rule.node("path").Fail(compiled.error().message);
  }
}

void ReadKubernetes(const Section& section, KubernetesConfig& kubernetes) {
  kubernetes.enabled = section.String("enabled");
  kubernetes.node_name = section.String("node_name");
  kubernetes.server = section.String("server");
  kubernetes.token_file = section.String("token_file");
  kubernetes.ca_file = section.String("ca_file");
  kubernetes.pod_labels = section.Strings("pod_labels");
  kubernetes.pod_annotations = section.Strings("pod_annotations");
  kubernetes.startup_wait = Milliseconds(section, "startup_wait");
  for (const auto& [key, globs] : {std::pair{"pod_labels", &kubernetes.pod_labels},
                                   std::pair{"pod_annotations", &kubernetes.pod_annotations}}) {
    if (auto set = GlobSet::Compile(*globs); !set) section.node(key).Fail(set.error().message);
  }
  if (kubernetes.server.empty()) return;
  if (auto url = http::ParseUrl(kubernetes.server); !url)
    section.node("server").Fail(url.error().message);
}

void ReadRest(const Section& root, Config& config) {
  ReadKubernetes(root.Child("kubernetes"), config.kubernetes);
  const auto query = root.String("redact.query");
  config.redact_query = query == "values" ? span::QueryRedaction::kValues
                        : query == "drop" ? span::QueryRedaction::kDrop
                                          : span::QueryRedaction::kKnown;
  const auto client = root.String("redact.client_address");
  config.client_address = client == "truncated" ? span::ClientAddress::kTruncated
                          : client == "off"     ? span::ClientAddress::kOff
                                                : span::ClientAddress::kFull;
  config.command_args = root.Bool("resource.command_args");
  config.max_connections = static_cast<std::uint32_t>(root.Int("limits.connections"));
  config.max_processes = static_cast<std::uint32_t>(root.Int("limits.processes"));
  config.memory_limit = root.Size("memory.limit");
  config.admin_listen = root.String("admin.listen");
  config.control_socket = root.String("control.socket");
  config.control_group = root.String("control.group");
  config.log_level = root.String("log.level");
  config.log_format = root.String("log.format");
  for (const auto& [path, text] : {std::pair{"admin.listen", config.admin_listen},
                                   std::pair{"metrics.listen", config.metrics.listen}}) {
    if (text.empty() && std::string_view(path) != "admin.listen") continue;
    if (auto address = ParseListenAddress(text); !address)
      root.node(path).Fail(address.error().message);
  }
}

void Read(const Section& root, Config& config) {
  ReadCapture(root.Child("capture"), config.capture);
  config.node.root = root.String("node.root");
  while (config.node.root.ends_with('/')) config.node.root.pop_back();
  config.node.other_agents = root.String("node.other_agents");
  ReadTraces(root.Child("traces"), config.traces);
  ReadMetrics(root.Child("metrics"), config.metrics);
  ReadExport(root.Child("export"), config.exporting);
  ReadServices(root, config);
  ReadRest(root, config);
}

Result<Config> FromDocument(const config::Document& document, std::string source) {
  Config config;
  const Section root(ConfigSchema(), document.root());
  root.Check();
  if (!document.broken()) Read(root, config);
  if (auto finished = document.Finish(); !finished)
    return tl::unexpected(std::move(finished.error()));
  config.source = std::move(source);
  config.hash = document.hash();
  for (const auto& warning : document.warnings()) log::Warn("{}", warning.text());
  ApplyEnvironment(config);
  return config;
}

}  // namespace

Result<Config> LoadConfig(const std::string& path) {
  return FromDocument(config::Document::Load({path}), path);
}

Result<Config> ParseConfig(const std::string& name, const std::string& text) {
  return FromDocument(config::Document::Parse({{name, text}}), name);
}

Config DefaultConfig() {
  Config config;
  ApplyEnvironment(config);
  return config;
}

std::vector<std::string> FixedChanges(const Config& old_config, const Config& new_config) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, const auto& before, const auto& after) {
    if (before != after) keys.emplace_back(key);
  };
  const CaptureConfig &capture = old_config.capture, &new_capture = new_config.capture;
  compare("capture.backend", capture.backend, new_capture.backend);
  compare("capture.ring_bytes", capture.ring_bytes, new_capture.ring_bytes);
  compare("capture.head_bytes", capture.head_bytes, new_capture.head_bytes);
  compare("capture.http2_head_bytes", capture.http2_head_bytes, new_capture.http2_head_bytes);
  compare("capture.splice", capture.splice_at_once, new_capture.splice_at_once);
  compare("capture.statistics", capture.statistics, new_capture.statistics);
  compare("capture.filter.own_pod", capture.own_pod, new_capture.own_pod);
  compare("node.root", old_config.node.root, new_config.node.root);
  compare("node.other_agents", old_config.node.other_agents, new_config.node.other_agents);
  const MetricsConfig &metrics = old_config.metrics, &new_metrics = new_config.metrics;
  compare("metrics.listen", metrics.listen, new_metrics.listen);
  compare("metrics.body_sizes", metrics.body_sizes, new_metrics.body_sizes);
  compare("metrics.server_address", metrics.server_address, new_metrics.server_address);
  compare("metrics.interval", metrics.interval, new_metrics.interval);
  compare("metrics.max_series_per_service", metrics.max_series_per_service,
          new_metrics.max_series_per_service);
  compare("metrics.max_series", metrics.max_series, new_metrics.max_series);
  compare("metrics.expire_after", metrics.expire_after, new_metrics.expire_after);
  // One name for the group: its values may be secrets, and nobody changes one key of it alone.
  const auto sending = [](const ExportConfig& e) {
    return std::tie(e.protocol, e.endpoint, e.compression, e.headers, e.timeout, e.insecure,
                    e.ca_file, e.certificate_file, e.key_file, e.reload_interval, e.queue_bytes,
                    e.batch_spans, e.batch_delay, e.concurrent_requests, e.max_elapsed,
                    e.self_report);
  };
  compare("export", sending(old_config.exporting), sending(new_config.exporting));
  const auto pods = [](const KubernetesConfig& k) {
    return std::tie(k.enabled, k.node_name, k.server, k.token_file, k.ca_file, k.pod_annotations);
  };
  compare("kubernetes", pods(old_config.kubernetes), pods(new_config.kubernetes));
  compare("admin.listen", old_config.admin_listen, new_config.admin_listen);
  compare("control.socket", old_config.control_socket, new_config.control_socket);
  compare("control.group", old_config.control_group, new_config.control_group);
  compare("limits.connections", old_config.max_connections, new_config.max_connections);
  compare("limits.processes", old_config.max_processes, new_config.max_processes);
  compare("memory.limit", old_config.memory_limit, new_config.memory_limit);
  return keys;
}

void ApplyLogging(const Config& config) {
  log::Options options;
  options.json = config.log_format == "json";
  if (auto level = log::ParseLevel(config.log_level)) options.level = *level;
  log::Configure(options);
}

}  // namespace wirespan::app
