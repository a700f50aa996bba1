#include "gateway/app/config_loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/hash.h"
#include "common/base/strings.h"
#include "common/config/print.h"
#include "gateway/app/components.h"
#include "gateway/app/dependent_exporters.h"
#include "gateway/app/load_components.h"
#include "gateway/app/load_service.h"
#include "gateway/app/tenants.h"
#include "gateway/sink/stored_batch.h"

namespace wirespan::gateway {

namespace {

using config::Node;

class Loader {
 public:
  explicit Loader(std::string listen_host) : listen_host_(std::move(listen_host)) {}

  GatewayConfig Load(const Node& root, const config::Value& value) {
    config_.health.listen.host = listen_host_;
    config_.metrics->host = listen_host_;
    for (const auto& [id, node] : Components(root, "receivers")) {
      ReceiverConfig& receiver = config_.receivers[id];
      receiver = LoadReceiver(root["receivers"], id, node);
      SetDefaultHost(node, receiver);
      receiver_marks_[id] = node.mark();
    }
    for (const auto& [id, node] : Components(root, "processors")) {
      config_.processors[id] = LoadProcessor(root["processors"], id, node);
    }
    for (const auto& [id, node] : Components(root, "exporters")) {
      config_.exporters[id] = LoadExporter(root["exporters"], id, node);
      SetFingerprint(config_.exporters[id], node, value);
      SetDefaultHost(node, config_.exporters[id]);
    }
    CheckStores(root["exporters"]);
    Components(root, "connectors");
    for (const auto& [id, node] : Components(root, "extensions")) {
      extensions_[id] = LoadExtension(root["extensions"], id, node, listen_host_, uses_);
    }
    Service(root, root["service"]);
    CheckUses(root);
    Tenants(root);
    Independence();
    root.RefuseOthers();
    for (const config::Problem& warning : warnings_) config_.warnings.push_back(warning.text());
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
      section.FailAtKey(id, UnknownComponent(kind, type));
    }
    return known;
  }

  // An endpoint that is left out is localhost, or what stands in for it.
  void SetDefaultHost(const Node& node, ReceiverConfig& receiver) const {
    // Only what the loader has looked at may be asked for again: asking makes a key a known one.
    if (receiver.grpc) SetHost(node["protocols"]["grpc"], receiver.grpc);
    if (receiver.http) SetHost(node["protocols"]["http"], receiver.http);
    if (receiver.zipkin) SetHost(node, receiver.zipkin);
  }
  void SetDefaultHost(const Node& node, ExporterConfig& exporter) const {
    auto* store = std::get_if<StoreExporterOptions>(&exporter.kind);
    if (store != nullptr) SetHost(node["query"], store->query);
  }

  void SetHost(const Node& settings, auto& options) const {
    if (!options || options->unix_socket || !settings["endpoint"].null()) return;
    constexpr std::string_view kLocal = "localhost:";
    if (!options->endpoint.starts_with(kLocal)) return;
    const bool v6 = listen_host_.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + listen_host_ + "]" : listen_host_;
    options->endpoint = host + ":" + options->endpoint.substr(kLocal.size());
  }

  // A folder and an address have one user.
  void CheckStores(const Node& exporters) {
    std::map<std::string, std::string> users;  // of folders and addresses, which look different
    for (const auto& [id, exporter] : config_.exporters) {
      const auto* store = std::get_if<StoreExporterOptions>(&exporter.kind);
      if (store == nullptr) continue;
      const std::string& endpoint = store->query->endpoint;
      const bool any_port = endpoint.ends_with(":0");
      for (const std::string* used : {&store->store.directory, any_port ? nullptr : &endpoint}) {
        if (used == nullptr || used->empty()) continue;
        const auto [user, added] = users.try_emplace(*used, id);
        if (added) continue;
        exporters.FailAtKey(id, fmt::format("{} is in use by {}: name {} in several pipelines, or "
                                            "give {} a directory and a query::endpoint of its own",
                                            *used, user->second, user->second, id));
      }
    }
  }

  // The settings as written, with those of the extensions that they name: an exporter whose
  // password changed is another one.
  static void SetFingerprint(ExporterConfig& exporter, const Node& node,
                             const config::Value& root) {
    std::string text = std::to_string(node.value() == nullptr ? 0 : config::HashOf(*node.value()));
    const config::Value* extensions = root.Find("extensions");
    for (const ExtensionUse& use : exporter.extensions) {
      const config::Value* settings = extensions == nullptr ? nullptr : extensions->Find(use.id);
      text += fmt::format("|{}={}", use.id, settings == nullptr ? 0 : config::HashOf(*settings));
    }
    exporter.fingerprint = Hash64(text);
  }

  void Service(const Node& root, const Node& service) {
    for (const Node& item : service["extensions"].Items()) Extension(item);
    LoadTelemetry(service["telemetry"], config_, warnings_);
    const Node pipelines = service["pipelines"];
    const auto entries = pipelines.Entries();
    for (const auto& [id, node] : entries) Pipeline(pipelines, id, node);
    if (entries.empty()) {
      (service.present() ? service : root)
          .Fail("service.pipelines must have at least one pipeline");
    }
    service.RefuseOthers();
  }

  void Extension(const Node& item) {
    const std::string id = item.String();
    const auto found = extensions_.find(id);
    if (found == extensions_.end()) {
      if (!unknown_.contains(id)) item.Fail(fmt::format("extensions does not define \"{}\"", id));
      return;
    }
    if (const auto* health = std::get_if<HealthOptions>(&found->second)) {
      if (config_.health.listen.configured) {
        item.Fail("there can be one health_check");
        return;
      }
      config_.health = *health;
    }
    if (TypeOf(id) == "pprof") {
      warnings_.push_back(
          {item.mark(), "pprof: taken, but nothing is served: this is no Go program, use perf"});
    }
    config_.extensions[id] = found->second;
  }

  void Pipeline(const Node& pipelines, const std::string& id, const Node& node) {
    const auto signal = SignalByName(TypeOf(id));
    if (!signal) {
      pipelines.FailAtKey(
          id, fmt::format("unknown pipeline \"{}\" (its name begins with traces, metrics, logs or "
                          "profiles)",
                          id));
      node.Allow("receivers");
      node.Allow("processors");
      node.Allow("exporters");
      node.RefuseOthers();
      return;
    }
    PipelineConfig pipeline{.id = id, .signal = *signal};
    References(node["receivers"], "receivers", config_.receivers, pipeline.receivers);
    References(node["processors"], "processors", config_.processors, pipeline.processors);
    References(node["exporters"], "exporters", config_.exporters, pipeline.exporters);
    for (const char* kind : {"receivers", "exporters"}) {
      if (node[kind].null() || (node[kind].is_list() && node[kind].value()->list.empty())) {
        pipelines.FailAtKey(id, fmt::format("{} needs {}", id, kind));
      }
    }
    for (const std::string& processor : pipeline.processors) {
      if (*signal == Signal::kMetrics && TypeOf(processor) == "probabilistic_sampler") {
        pipelines.FailAtKey(id, fmt::format("{} takes traces and logs alone", processor));
      }
    }
    for (const std::string& exporter : pipeline.exporters) {
      const std::string_view type = TypeOf(exporter);
      if (*signal != Signal::kTraces && (type == "jaeger" || type == "zipkin")) {
        pipelines.FailAtKey(id, fmt::format("{} takes traces alone", exporter));
      }
      if (*signal != Signal::kTraces && *signal != Signal::kMetrics && type == "store") {
        pipelines.FailAtKey(id, fmt::format("{} takes traces and agents' metrics alone", exporter));
      }
    }
    if (*signal == Signal::kProfiles) CheckProfiles(pipelines, pipeline);
    node.RefuseOthers();
    exporters_marks_[id] = node["exporters"].mark();
    config_.pipelines.push_back(std::move(pipeline));
  }

  // Profiles pass through as they are: what would look into them or join them has no place there.
  void CheckProfiles(const Node& pipelines, const PipelineConfig& pipeline) {
    for (const std::string& processor : pipeline.processors) {
      if (TypeOf(processor) == "memory_limiter") continue;
      pipelines.FailAtKey(
          pipeline.id, fmt::format("{} takes no profiles: they pass through unchanged and one by "
                                   "one, so memory_limiter alone may stand here",
                                   processor));
    }
    for (const std::string& id : pipeline.exporters) {
      const ExporterConfig& exporter = config_.exporters.at(id);
      const auto* http = std::get_if<HttpClientOptions>(&exporter.kind);
      const auto* file = std::get_if<FileOptions>(&exporter.kind);
      if ((http != nullptr && http->encoding == Encoding::kJson) ||
          (file != nullptr && file->format == Encoding::kJson)) {
        pipelines.FailAtKey(pipeline.id,
                            fmt::format("{} would write profiles as JSON: proto alone", id));
      }
      if (exporter.queue.batch) {
        pipelines.FailAtKey(
            pipeline.id, fmt::format("{} has sending_queue.batch: profiles can't be joined", id));
      }
    }
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

  void CheckUses(const Node& root) {
    for (const auto& [id, receiver] : config_.receivers) {
      uses_.insert(uses_.end(), receiver.extensions.begin(), receiver.extensions.end());
    }
    for (const auto& [id, exporter] : config_.exporters) {
      uses_.insert(uses_.end(), exporter.extensions.begin(), exporter.extensions.end());
    }
    for (const ExtensionUse& use : uses_) {
      const auto found = extensions_.find(use.id);
      if (found == extensions_.end()) {
        if (!unknown_.contains(use.id)) {
          root.FailAt(use.mark, fmt::format("extensions does not define \"{}\"", use.id));
        }
      } else if (!CanBe(found->second, use.role)) {
        const std::string_view wanted = use.role == ExtensionRole::kStorage ? "a file_storage"
                                        : use.role == ExtensionRole::kServerAuth
                                            ? "an authenticator for receivers"
                                            : "an authenticator for exporters";
        root.FailAt(use.mark, fmt::format("\"{}\" is not {}", use.id, wanted));
      } else if (!config_.extensions.contains(use.id)) {
        root.FailAt(use.mark,
                    fmt::format("\"{}\" is defined but not in service.extensions", use.id));
      }
    }
  }

  void Tenants(const Node& root) {
    SetMetadataKeys(config_);
    for (const auto& [id, exporter] : config_.exporters) {
      if (exporter.queue.storage.empty()) continue;
      for (const std::string& key : AuthenticatorKeys(config_, exporter)) {
        if (!IsCredential(key)) continue;
        for (const ExtensionUse& use : exporter.extensions) {
          if (use.role != ExtensionRole::kClientAuth) continue;
          root.FailAt(use.mark,
                      fmt::format("\"{}\" takes {} from the request; that is a credential, "
                                  "and those are not written to disk: an exporter with "
                                  "storage can't send it",
                                  use.id, key));
        }
      }
    }
    for (const MissingMetadata& missing : FindMissingMetadata(config_)) {
      warnings_.push_back(
          {receiver_marks_[missing.receiver],
           fmt::format("{} asks for {} of requests, but {} is without include_metadata: true on at "
                       "least one protocol; what comes there counts as without them",
                       missing.pipeline, fmt::join(missing.keys, ", "), missing.receiver)});
    }
  }

  void Independence() {
    for (const Dependence& found : FindDependence(config_)) {
      warnings_.push_back(
          {exporters_marks_[found.pipeline],
           fmt::format("while {} is down or full, senders are refused and no other exporter gets "
                       "anything; with sending_queue::storage (or wait_for_result: false, out of "
                       "memory) it holds up nobody",
                       fmt::join(found.waited, " or "))});
    }
  }

  const std::string listen_host_;
  std::map<std::string, config::Mark> receiver_marks_{};
  std::map<std::string, config::Mark> exporters_marks_{};  // of pipelines
  GatewayConfig config_{};
  std::map<std::string, ExtensionOptions> extensions_{};  // defined, enabled or not
  std::vector<ExtensionUse> uses_{};
  std::vector<config::Problem> warnings_{};
  std::set<std::string> unknown_{};  // refused already: a reference to it is no second mistake
};

// Keys whose values are somebody's secret, wherever they stand. Rather one too many.
bool MayBeSecret(const std::vector<std::string_view>& path) {
  for (const std::string_view part : path) {
    const std::string key = AsciiLower(part);
    for (const char* word : {"password", "passwd", "token", "secret", "htpasswd", "api_key",
                             "apikey", "api-key", "key_pem", "credential", "authorization"}) {
      if (key.find(word) != std::string::npos && key.find("_file") == std::string::npos) {
        return true;
      }
    }
  }
  // Headers of any name, and what headers_setter puts in.
  return std::find(path.begin(), path.end(), "headers") != path.end() && path.back() != "key" &&
         path.back() != "action" && path.back() != "from_context";
}

}  // namespace

std::string ListenHost(const config::Environment& environment) {
  std::string host = environment("WIRESPAN_LISTEN_HOST").value_or("");
  return host.empty() ? "localhost" : host;
}

Result<GatewayConfig> ReadConfig(const config::Document& document, const std::string& listen_host) {
  GatewayConfig config;
  if (!document.broken()) config = Loader(listen_host).Load(document.root(), document.value());
  if (auto finished = document.Finish(); !finished) return tl::unexpected(finished.error());
  config.hash = document.hash();
  std::vector<std::string> unset;
  for (const config::Problem& warning : document.warnings()) unset.push_back(warning.text());
  config.warnings.insert(config.warnings.begin(), unset.begin(), unset.end());
  return config;
}

Result<GatewayConfig> LoadConfig(const ConfigSources& sources) {
  return ReadConfig(config::Document::LoadUris(sources.uris, sources.sets), ListenHost());
}

Result<std::string> PrintConfig(const ConfigSources& sources, bool redacted) {
  const config::Document document = config::Document::LoadUris(sources.uris, sources.sets);
  if (auto finished = document.Finish(); !finished) return tl::unexpected(finished.error());
  return config::PrintYaml(document.value(), redacted ? MayBeSecret : config::IsSecret());
}

}  // namespace wirespan::gateway
