#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string_view>

#include "common/kube/metadata_directory.h"
#include "common/kube/pod_directory.h"
#include "gateway/pipeline/kube_kind.h"
#include "gateway/pipeline/pod_attributes.h"

// What a pod's namespace, node and owners give to the telemetry that comes from it.
namespace wirespan::gateway {

// What is known of a cluster. Kinds that nobody asked for are null.
struct ClusterView {
  std::shared_ptr<const kube::PodDirectory> pods{};
  std::array<std::shared_ptr<const kube::MetadataDirectory>, kKubeKinds.size()> others{};

  const kube::MetadataDirectory* Of(KubeKind kind) const {
    return others[static_cast<std::size_t>(kind)].get();
  }
};

// Can stand in extract.metadata: k8s.node.uid, k8s.cluster.uid, k8s.deployment.uid,
// k8s.cronjob.uid.
bool IsClusterAttribute(std::string_view name);

// The kinds that have to be watched beside pods for these rules.
std::set<KubeKind> KindsFor(const PodExtraction& rules);
// Namespaces are asked for the cluster's uid alone: one of them is enough.
bool WantsOnlyClusterUid(const PodExtraction& rules);

// What has to be kept of objects of a kind for these rules.
bool WantsLabelOf(KubeKind kind, const PodExtraction& rules, std::string_view key);
bool WantsAnnotationOf(KubeKind kind, const PodExtraction& rules, std::string_view key);

// Whom telemetry comes from, as far as that is known. Telemetry that says its namespace or node
// needs no pod to have their attributes.
struct ClusterOrigin {
  const kube::Pod* pod = nullptr;
  std::string_view name_space{};
  std::string_view node{};
};

// Calls for each attribute that the rules find around the pod, never with an empty value. A name
// may come twice: the first one counts.
void ForEachClusterAttribute(const ClusterView& cluster, const ClusterOrigin& origin,
                             const PodExtraction& rules,
                             const std::function<void(std::string_view, std::string_view)>& each);

}  // namespace wirespan::gateway
