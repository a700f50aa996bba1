#include "gateway/app/watch_selection.h"

#include <fmt/format.h>

namespace wirespan::gateway {

WatchSelection WatchSelection::Of(const K8sAttributesOptions& options, KubeKind kind) {
  const PodWatchOptions& watch = options.watch;
  WatchSelection selection;
  selection.kind = kind;
  selection.auth = watch.auth;
  selection.context = watch.context;
  selection.grace = watch.grace;
  if (NamesOf(kind).in_namespace) selection.name_space = watch.name_space;
  if (kind == KubeKind::kPod) {
    selection.field_selector = watch.field_selector;
    selection.label_selector = watch.label_selector;
  } else if (kind == KubeKind::kNode && !watch.node.empty()) {
    selection.field_selector = "metadata.name=" + watch.node;
  } else if (kind == KubeKind::kNamespace && WantsOnlyClusterUid(options.extract)) {
    selection.field_selector = "metadata.name=kube-system";
  }
  return selection;
}

std::string WatchSelection::Name() const {
  std::string name(NamesOf(kind).resource);
  if (!name_space.empty()) name += " in " + name_space;
  for (const std::string& selector : {field_selector, label_selector}) {
    if (!selector.empty()) name += " with " + selector;
  }
  return name;
}

std::string WatchSelection::Path() const {
  const KubeKindNames& names = NamesOf(kind);
  return name_space.empty()
             ? fmt::format("{}/{}", names.group, names.resource)
             : fmt::format("{}/namespaces/{}/{}", names.group, name_space, names.resource);
}

}  // namespace wirespan::gateway
