#include "gateway/app/load_service.h"

#include <fmt/format.h>

#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

void ReadLogs(const Node& logs, log::Options& options) {
  using log::Level;
  // The Collector's levels are zap's, in either case.
  options.level = logs["level"].Choice<Level>(options.level, {{"debug", Level::kDebug},
                                                              {"info", Level::kInfo},
                                                              {"warn", Level::kWarn},
                                                              {"error", Level::kError},
                                                              {"DEBUG", Level::kDebug},
                                                              {"INFO", Level::kInfo},
                                                              {"WARN", Level::kWarn},
                                                              {"ERROR", Level::kError}});
  options.json = logs["encoding"].Choice(false, {{"console", false}, {"json", true}});
  options.outputs = logs["output_paths"].Strings({"stderr"});
  if (options.outputs.size() > 8) logs["output_paths"].Fail("more than 8 places to write logs to");
  options.fields = logs["initial_fields"].StringMap();
  // Our lines name neither callers nor stacks, and repeated ones are held back a minute anyway.
  for (const char* key :
       {"development", "disable_caller", "disable_stacktrace", "disable_zap_resource"}) {
    logs[key].Bool(false);
  }
  static_cast<void>(logs["error_output_paths"].Strings());
  const Node sampling = logs["sampling"];
  sampling["enabled"].Bool(true);
  sampling["initial"].Int(0, 0);
  sampling["thereafter"].Int(0, 0);
  static_cast<void>(sampling["tick"].Duration({}));
  sampling.RefuseOthers();
  if (!logs["processors"].Items().empty()) {
    logs["processors"].Fail(
        "the gateway's own logs are not exported as OTLP: collect them from output_paths");
  }
  logs.RefuseOthers();
}

// {pull: {exporter: {prometheus: {host, port}}}}, as the Collector's charts write it.
void ReadPull(const Node& pull, ListenConfig& listen, std::vector<config::Problem>& warnings) {
  const Node exporter = pull["exporter"];
  const Node prometheus = exporter["prometheus"];
  listen.host = prometheus["host"].String(listen.host);
  listen.port = static_cast<std::uint16_t>(prometheus["port"].Int(listen.port, 0, 65535));
  listen.configured = true;
  // Names here always have units and suffixes, and there are no scopes.
  prometheus["without_scope_info"].Bool(true);
  for (const char* key : {"without_type_suffix", "without_units"}) {
    if (prometheus[key].Bool(false)) {
      warnings.push_back(
          {prometheus[key].mark(), fmt::format("{}: names keep their units and _total here", key)});
    }
  }
  prometheus["translation_strategy"].String();
  const Node labels = prometheus["with_resource_constant_labels"];
  static_cast<void>(labels["included"].Strings());
  static_cast<void>(labels["excluded"].Strings());
  labels.RefuseOthers();
  prometheus.RefuseOthers();
  exporter.RefuseOthers();
  pull.RefuseOthers();
}

void ReadMetrics(const Node& metrics, GatewayConfig& config,
                 std::vector<config::Problem>& warnings) {
  const bool off = metrics["level"].Choice(
      false, {{"none", true}, {"basic", false}, {"normal", false}, {"detailed", false}});
  ListenConfig listen = *config.metrics;
  if (!metrics["address"].null()) listen.configured = true;
  ReadHostPort(metrics["address"], listen.host, listen.port);
  int pulls = 0;
  const auto readers = metrics["readers"].Items();
  for (const Node& reader : readers) {
    reader.Allow("pull");
    if (reader["periodic"].present()) {
      reader["periodic"].Fail(
          "the gateway's own metrics are not pushed: scrape them with a pull reader (prometheus)");
    } else if (pulls++ > 0) {
      reader.Fail("there can be one pull reader: the page is served once");
    } else {
      ReadPull(reader["pull"], listen, warnings);
    }
    reader.RefuseOthers();
  }
  if (!metrics["views"].Items().empty()) {
    metrics["views"].Fail("views are not supported: drop series where they are scraped");
  }
  metrics.RefuseOthers();
  config.metrics = off ? std::nullopt : std::optional(listen);
}

void ReadTraces(const Node& traces) {
  traces["level"].Choice(0, {{"none", 0}, {"basic", 0}, {"normal", 0}, {"detailed", 0}});
  static_cast<void>(traces["propagators"].Strings());
  if (!traces["processors"].Items().empty()) {
    traces["processors"].Fail("the gateway makes no spans of its own, so it exports none");
  }
  traces.Allow("sampler");
  traces.RefuseOthers();
}

// A map of names to texts, or the declarative form {attributes: [{name, value}]}. A null takes an
// attribute away that would be there by default.
void ReadResource(const Node& resource, GatewayConfig& config) {
  const auto set = [&](const std::string& name, const Node& value) {
    if (value.null()) {
      config.resource.erase(name);
    } else {
      config.resource[name] = value.String();
    }
  };
  for (const auto& [name, value] : resource.Entries()) {
    if (name == "attributes" && value.is_list()) {
      for (const Node& item : value.Items()) {
        set(item["name"].String(), item["value"]);
        item["type"].String();
        item.RefuseOthers();
      }
    } else if (name != "schema_url" && name != "detectors") {
      set(name, value);
    }
  }
}

}  // namespace

void LoadTelemetry(const Node& telemetry, GatewayConfig& config,
                   std::vector<config::Problem>& warnings) {
  ReadLogs(telemetry["logs"], config.log);
  ReadMetrics(telemetry["metrics"], config, warnings);
  ReadTraces(telemetry["traces"]);
  ReadResource(telemetry["resource"], config);
  telemetry.RefuseOthers();
}

}  // namespace wirespan::gateway
