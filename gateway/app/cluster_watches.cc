#include "gateway/app/cluster_watches.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "common/kube/watcher.h"
#include "gateway/app/kube_config.h"

namespace wirespan::gateway {

namespace {

void AppendKeys(std::string& text, char kind, const std::vector<PodTextRule>& rules,
                KubeKind from) {
  for (const PodTextRule& rule : rules) {
    if (rule.from != from) continue;
    text += fmt::format("{}{}:{};", kind, rule.key_pattern ? "~" : "=",
                        rule.key_pattern ? rule.key_pattern->text() : rule.key);
  }
}

}  // namespace

struct ClusterWatches::Need {
  std::vector<PodExtraction> rules{};
  std::chrono::milliseconds wait{};
  std::string processor{};  // the first that needs it

  // Equal: the same labels and annotations are kept.
  std::string Fingerprint(KubeKind kind) const {
    std::string text;
    for (const PodExtraction& each : rules) {
      AppendKeys(text, 'l', each.labels, kind);
      AppendKeys(text, 'a', each.annotations, kind);
    }
    return text;
  }
};

struct ClusterWatches::Watch {
  std::string resource{};
  std::string keeps{};
  std::unique_ptr<kube::PodDirectory> pods{};  // one of both
  std::unique_ptr<kube::MetadataDirectory> objects{};
  std::unique_ptr<kube::Watcher> watcher{};  // last: ends before its directory
};

Result<kube::Access> ClusterWatches::AccessFor(const WatchSelection& selection) const {
  if (selection.auth == KubeAuth::kKubeConfig) {
    return KubeConfigAccess(variables_, selection.context);
  }
  auto access = kube::InClusterAccess(variables_);
  if (!access) {
    return Fail(ErrorCode::kInvalidArgument,
                "the API server is not known: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT "
                "are not set, so this is no pod");
  }
  if (selection.auth == KubeAuth::kNone) {
    access->token_file.clear();
    access->ca_file.clear();
    access->insecure_skip_verify = true;
  }
  return std::move(*access);
}

Result<std::shared_ptr<ClusterWatches::Watch>> ClusterWatches::Start(
    const WatchSelection& selection, const Need& need) {
  auto access = AccessFor(selection);
  if (!access) return Wrap("processor " + need.processor, std::move(access.error()));
  auto made = std::make_shared<Watch>();
  made->resource = selection.Name();
  // One of the same selection may still be there until its graph has ended.
  const auto taken = [&](const std::string& name) {
    return std::any_of(watches_.begin(), watches_.end(), [&](const auto& entry) {
      const auto watch = entry.second.lock();
      return watch != nullptr && watch->resource == name;
    });
  };
  for (int i = 2; taken(made->resource); ++i) {
    made->resource = fmt::format("{} #{}", selection.Name(), i);
  }
  made->keeps = need.Fingerprint(selection.kind);

  kube::WatchOptions watch;
  watch.access = std::move(*access);
  watch.path = selection.Path();
  watch.resource = made->resource;
  watch.field_selector = selection.field_selector;
  watch.label_selector = selection.label_selector;
  watch.seed = std::random_device{}();
  if (need.wait.count() > 0) {
    watch.first_jitter = std::min(watch.first_jitter, need.wait / 4);
  }
  const auto wanted = [rules = need.rules](auto wants) {
    return [rules, wants](std::string_view key) {
      return std::any_of(rules.begin(), rules.end(),
                         [&](const PodExtraction& each) { return wants(each, key); });
    };
  };
  if (selection.kind == KubeKind::kPod) {
    watch.fields = kube::PodFields();
    made->pods = std::make_unique<kube::PodDirectory>(
        kube::PodDirectoryOptions{
            .resource = made->resource,
            .pods = {.more_annotations = wanted(WantsAnnotation), .labels = wanted(WantsLabel)},
            .grace = selection.grace},
        clock_, registry_);
    made->watcher = kube::Watcher::Start(std::move(watch), *made->pods, clock_, registry_);
  } else {
    watch.fields = kube::MetadataFields();
    watch.metadata_only = true;
    const auto of = [kind = selection.kind](auto wants) {
      return [kind, wants](const PodExtraction& each, std::string_view key) {
        return wants(kind, each, key);
      };
    };
    made->objects = std::make_unique<kube::MetadataDirectory>(
        kube::MetadataDirectoryOptions{.resource = made->resource,
                                       .objects = {.labels = wanted(of(WantsLabelOf)),
                                                   .annotations = wanted(of(WantsAnnotationOf))},
                                       .grace = selection.grace},
        clock_, registry_);
    made->watcher = kube::Watcher::Start(std::move(watch), *made->objects, clock_, registry_);
  }
  return made;
}

ClusterWatches::Needs ClusterWatches::NeedsOf(const GatewayConfig& config) {
  Needs needs;
  std::set<std::string> seen;
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.processors) {
      const auto* options = std::get_if<K8sAttributesOptions>(&config.processors.at(id));
      if (options == nullptr || options->passthrough || !seen.insert(id).second) continue;
      std::set<KubeKind> kinds = KindsFor(options->extract);
      kinds.insert(KubeKind::kPod);
      for (const KubeKind kind : kinds) {
        Need& need = needs[WatchSelection::Of(*options, kind)];
        need.rules.push_back(options->extract);
        need.wait = std::max(need.wait, options->wait);
        if (need.processor.empty()) need.processor = id;
      }
    }
  }
  return needs;
}

Result<std::shared_ptr<ClusterWatches::Watch>> ClusterWatches::Get(const WatchSelection& selection,
                                                                   const Need& need) {
  const auto [from, to] = watches_.equal_range(selection);
  for (auto it = from; it != to; ++it) {
    auto known = it->second.lock();
    if (known != nullptr && known->keeps == need.Fingerprint(selection.kind)) return known;
  }
  auto started = Start(selection, need);
  if (started) watches_.emplace(selection, *started);
  return started;
}

Result<ClusterWatches::Open> ClusterWatches::OpenFor(const GatewayConfig& config) {
  const Needs needs = NeedsOf(config);
  std::erase_if(watches_, [](const auto& entry) { return entry.second.expired(); });
  std::map<WatchSelection, std::shared_ptr<Watch>> started;
  for (const auto& [selection, need] : needs) {
    auto watch = Get(selection, need);
    if (!watch) return Fail(watch.error().code, watch.error().message);
    started[selection] = std::move(*watch);
  }
  for (const auto& [selection, need] : needs) {
    const kube::Watcher& watcher = *started.at(selection)->watcher;
    if (need.wait.count() == 0 || watcher.WaitListed(need.wait)) continue;
    const std::string problem = watcher.state().problem;
    return Fail(ErrorCode::kUnavailable,
                fmt::format("processor {}: no {} after {} ms{}", need.processor, selection.Name(),
                            need.wait.count(), problem.empty() ? "" : ": " + problem));
  }
  Open open;
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.processors) {
      const auto* options = std::get_if<K8sAttributesOptions>(&config.processors.at(id));
      if (options == nullptr || options->passthrough) continue;
      ClusterView& view = open[id];
      const auto pods = started.at(WatchSelection::Of(*options, KubeKind::kPod));
      view.pods = std::shared_ptr<const kube::PodDirectory>(pods, pods->pods.get());
      for (const KubeKind kind : KindsFor(options->extract)) {
        const auto watch = started.at(WatchSelection::Of(*options, kind));
        view.others[static_cast<std::size_t>(kind)] =
            std::shared_ptr<const kube::MetadataDirectory>(watch, watch->objects.get());
      }
    }
  }
  return open;
}

}  // namespace wirespan::gateway
