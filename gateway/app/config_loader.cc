#include "gateway/app/config_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/app/components.h"
#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

class Loader {
 public:
  GatewayConfig Load(const Node& root) {
    for (const auto& [id, node] : Components(root, "receivers")) {
      config_.receivers[id] = LoadReceiver(root["receivers"], id, node);
    }
    for (const auto& [id, node] : Components(root, "processors")) {
      config_.processors[id] = LoadProcessor(root["processors"], id, node);
    }
    for (const auto& [id, node] : Components(root, "exporters")) {
      config_.exporters[id] = LoadExporter(root["exporters"], id, node);
    }
    Components(root, "connectors");
    for (const auto& [id, node] : Components(root, "extensions")) {
      ListenConfig health = config_.health;
      ReadHostPort(node["endpoint"], health.host, health.port);
      health.path = node["path"].String(health.path);
      if (!health.path.starts_with('/')) health.path.insert(0, "/");
      node.RefuseOthers();
      extensions_[id] = std::move(health);
    }
    Service(root, root["service"]);
    root.RefuseOthers();
    return std::move(config_);
  }

 private:
  // The members of a section whose types exist; the others become problems.
  std::vector<std::pair<std::string, Node>> Components(const Node& root, std::string_view kind) {
    const Node section = root[kind];
    std::vector<std::pair<std::string, Node>> known;
    for (auto& [id, node] : section.Entries()) {
      const std::string_view type = TypeOf(id);
      if (HasComponent(kind, type)) {
        known.emplace_back(id, node);
        continue;
      }
      unknown_.insert(id);
      section.FailAtKey(id, fmt::format("unknown {} \"{}\" (there are: {})",
                                        kind.substr(0, kind.size() - 1), type, NamesIn(kind)));
    }
    return known;
  }

  void Service(const Node& root, const Node& service) {
    for (const Node& item : service["extensions"].Items()) {
      const std::string id = item.String();
      const auto found = extensions_.find(id);
      if (found == extensions_.end()) {
        if (!unknown_.contains(id)) item.Fail(fmt::format("extensions does not define \"{}\"", id));
        continue;
      }
      config_.health = found->second;
      config_.health.configured = true;
    }
    Telemetry(service["telemetry"]);
    const Node pipelines = service["pipelines"];
    const auto entries = pipelines.Entries();
    for (const auto& [id, node] : entries) Pipeline(pipelines, id, node);
    if (entries.empty()) {
      (service.present() ? service : root)
          .Fail("service.pipelines must have at least one pipeline");
    }
    service.RefuseOthers();
  }

  void Telemetry(const Node& telemetry) {
    const Node logs = telemetry["logs"];
    // The Collector's levels are zap's, in either case.
    config_.log.level =
        logs["level"].Choice<log::Level>(config_.log.level, {{"debug", log::Level::kDebug},
                                                             {"info", log::Level::kInfo},
                                                             {"warn", log::Level::kWarn},
                                                             {"error", log::Level::kError},
                                                             {"DEBUG", log::Level::kDebug},
                                                             {"INFO", log::Level::kInfo},
                                                             {"WARN", log::Level::kWarn},
                                                             {"ERROR", log::Level::kError}});
    config_.log.json = logs["encoding"].Choice(false, {{"console", false}, {"json", true}});
    logs.RefuseOthers();

    const Node metrics = telemetry["metrics"];
    const bool off = metrics["level"].Choice(
        false, {{"none", true}, {"basic", false}, {"normal", false}, {"detailed", false}});
    ListenConfig listen = *config_.metrics;
    ReadHostPort(metrics["address"], listen.host, listen.port);
    Readers(metrics["readers"], listen);
    metrics.RefuseOthers();
    telemetry.RefuseOthers();
    config_.metrics = off ? std::nullopt : std::optional(listen);
  }

  // [{pull: {exporter: {prometheus: {host, port}}}}], as the Collector's charts write it.
  static void Readers(const Node& readers, ListenConfig& listen) {
    const auto items = readers.Items();
    if (items.size() > 1) readers.Fail("there can be one reader: pull, exporter, prometheus");
    if (items.size() != 1) return;
    const Node pull = items[0]["pull"];
    const Node exporter = pull["exporter"];
    const Node prometheus = exporter["prometheus"];
    listen.host = prometheus["host"].String(listen.host);
    listen.port = static_cast<std::uint16_t>(prometheus["port"].Int(listen.port, 0, 65535));
    // Switches for the shape of names: ours have units and suffixes and no scopes, whatever these
    // say.
    for (const char* key : {"without_scope_info", "without_type_suffix", "without_units"}) {
      prometheus[key].Bool(true);
    }
    prometheus.RefuseOthers();
    exporter.RefuseOthers();
    pull.RefuseOthers();
    items[0].RefuseOthers();
  }

  void Pipeline(const Node& pipelines, const std::string& id, const Node& node) {
    const auto signal = SignalByName(TypeOf(id));
    if (!signal) {
      pipelines.FailAtKey(
          id, fmt::format("unknown pipeline \"{}\" (its name begins with traces, metrics or logs)",
                          id));
      return;
    }
    PipelineConfig pipeline{.id = id, .signal = *signal};
    References(node["receivers"], "receivers", config_.receivers, pipeline.receivers);
    References(node["processors"], "processors", config_.processors, pipeline.processors);
    References(node["exporters"], "exporters", config_.exporters, pipeline.exporters);
    for (const char* kind : {"receivers", "exporters"}) {
      if (node[kind].value() == nullptr ||
          (node[kind].is_list() && node[kind].value()->list.empty())) {
        pipelines.FailAtKey(id, fmt::format("{} needs {}", id, kind));
      }
    }
    node.RefuseOthers();
    config_.pipelines.push_back(std::move(pipeline));
  }

  template <class Map>
  void References(const Node& list, std::string_view kind, const Map& defined,
                  std::vector<std::string>& target) {
    for (const Node& item : list.Items()) {
      std::string id = item.String();
      if (!defined.contains(id)) {
        if (!unknown_.contains(id)) {
          item.Fail(fmt::format("{} does not define \"{}\"", kind, id));
        }
      } else if (std::find(target.begin(), target.end(), id) != target.end()) {
        item.Fail(fmt::format("\"{}\" stands here twice", id));
      } else {
        target.push_back(std::move(id));
      }
    }
  }

  GatewayConfig config_{};
  std::map<std::string, ListenConfig> extensions_{};
  std::set<std::string> unknown_{};  // refused already: a reference to it is no second mistake
};

}  // namespace

Result<GatewayConfig> ReadConfig(const config::Document& document) {
  GatewayConfig config;
  if (!document.broken()) config = Loader().Load(document.root());
  if (auto finished = document.Finish(); !finished) return tl::unexpected(finished.error());
  return config;
}

Result<GatewayConfig> LoadConfig(const std::vector<std::string>& files,
                                 std::vector<std::string>& warnings) {
  const config::Document document = config::Document::Load(files);
  for (const config::Problem& warning : document.warnings()) warnings.push_back(warning.text());
  return ReadConfig(document);
}

}  // namespace wirespan::gateway
