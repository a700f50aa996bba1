#include "gateway/app/pod_watches.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "common/kube/watcher.h"
#include "gateway/pipeline/pod_attributes.h"

namespace wirespan::gateway {

namespace {

// For labels of metrics and for sentences.
std::string NameOf(const PodWatchOptions& options) {
  std::string name = "pods";
  if (!options.name_space.empty()) name += " in " + options.name_space;
  for (const std::string& selector : {options.field_selector, options.label_selector}) {
    if (!selector.empty()) name += " with " + selector;
  }
  return name;
}

void AppendKeys(std::string& text, char kind, const std::vector<PodTextRule>& rules) {
  for (const PodTextRule& rule : rules) {
    text += fmt::format("{}{}:{};", kind, rule.key_pattern ? "~" : "=",
                        rule.key_pattern ? rule.key_pattern->text() : rule.key);
  }
}

}  // namespace

struct PodWatches::Need {
  std::vector<PodExtraction> rules{};
  std::chrono::milliseconds wait{};
  std::string processor{};  // the first that needs it

  // Equal: the same labels and annotations are kept.
  std::string Fingerprint() const {
    std::string text;
    for (const PodExtraction& each : rules) {
      AppendKeys(text, 'l', each.labels);
      AppendKeys(text, 'a', each.annotations);
    }
    return text;
  }
};

struct PodWatches::Watch {
  Watch(kube::PodDirectoryOptions options, const Clock& clock, telemetry::Registry& registry)
      : resource(options.resource), directory(std::move(options), clock, registry) {}

  const std::string resource;
  std::string keeps{};
  kube::PodDirectory directory;
  std::unique_ptr<kube::Watcher> watcher{};  // last: ends before its directory
};

Result<std::shared_ptr<PodWatches::Watch>> PodWatches::Start(const PodWatchOptions& options,
                                                             const Need& need) {
  auto access = kube::InClusterAccess(variables_);
  if (!access) {
    return Fail(ErrorCode::kInvalidArgument,
                "the API server is not known: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT "
                "are not set, so this is no pod");
  }
  if (!options.service_account) {
    access->token_file.clear();
    access->ca_file.clear();
    access->insecure_skip_verify = true;
  }
  kube::PodDirectoryOptions directory;
  directory.resource = NameOf(options);
  // One of the same selection may still be there until its graph has ended.
  const auto taken = [&](const std::string& name) {
    return std::any_of(watches_.begin(), watches_.end(), [&](const auto& entry) {
      const auto watch = entry.second.lock();
      return watch != nullptr && watch->resource == name;
    });
  };
  for (int i = 2; taken(directory.resource); ++i) {
    directory.resource = fmt::format("{} #{}", NameOf(options), i);
  }
  directory.grace = options.grace;
  directory.pods.labels = [rules = need.rules](std::string_view key) {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const PodExtraction& each) { return WantsLabel(each, key); });
  };
  directory.pods.more_annotations = [rules = need.rules](std::string_view key) {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const PodExtraction& each) { return WantsAnnotation(each, key); });
  };

  kube::WatchOptions watch;
  watch.access = std::move(*access);
  if (!options.name_space.empty()) {
    watch.path = "/api/v1/namespaces/" + options.name_space + "/pods";
  }
  watch.resource = directory.resource;
  watch.field_selector = options.field_selector;
  watch.label_selector = options.label_selector;
  watch.fields = kube::PodFields();
  watch.seed = std::random_device{}();
  if (need.wait.count() > 0) {
    watch.first_jitter = std::min(watch.first_jitter, need.wait / 4);
  }
  auto made = std::make_shared<Watch>(std::move(directory), clock_, registry_);
  made->keeps = need.Fingerprint();
  made->watcher = kube::Watcher::Start(std::move(watch), made->directory, clock_, registry_);
  return made;
}

Result<PodWatches::Open> PodWatches::OpenFor(const GatewayConfig& config) {
  std::map<PodWatchOptions, Need> needs;
  std::set<std::string> seen;
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.processors) {
      const auto* options = std::get_if<K8sAttributesOptions>(&config.processors.at(id));
      if (options == nullptr || options->passthrough || !seen.insert(id).second) continue;
      Need& need = needs[options->watch];
      need.rules.push_back(options->extract);
      need.wait = std::max(need.wait, options->wait);
      if (need.processor.empty()) need.processor = id;
    }
  }
  std::erase_if(watches_, [](const auto& entry) { return entry.second.expired(); });
  Open open;
  for (const auto& [options, need] : needs) {
    std::shared_ptr<Watch> watch;
    const auto [from, to] = watches_.equal_range(options);
    for (auto it = from; it != to && watch == nullptr; ++it) {
      const auto known = it->second.lock();
      if (known != nullptr && known->keeps == need.Fingerprint()) watch = known;
    }
    if (watch == nullptr) {
      auto started = Start(options, need);
      if (!started) return Wrap("processor " + need.processor, std::move(started.error()));
      watch = std::move(*started);
      watches_.emplace(options, watch);
    }
    if (need.wait.count() > 0 && !watch->watcher->WaitListed(need.wait)) {
      const std::string problem = watch->watcher->state().problem;
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("processor {}: no pods after {} ms{}", need.processor,
                              need.wait.count(), problem.empty() ? "" : ": " + problem));
    }
    open[options] = std::shared_ptr<const kube::PodDirectory>(watch, &watch->directory);
  }
  return open;
}

}  // namespace wirespan::gateway
