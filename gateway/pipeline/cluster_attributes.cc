#include "gateway/pipeline/cluster_attributes.h"

#include <algorithm>

#include "gateway/pipeline/text_rules.h"

namespace wirespan::gateway {

namespace {

using kube::WorkloadKind;
using ObjectPtr = kube::MetadataDirectory::RecordPtr;

constexpr std::string_view kNodeUid = "k8s.node.uid";
constexpr std::string_view kClusterUid = "k8s.cluster.uid";
constexpr std::string_view kDeploymentUid = "k8s.deployment.uid";
constexpr std::string_view kCronJobUid = "k8s.cronjob.uid";

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

ObjectPtr ByUid(const ClusterView& cluster, KubeKind kind, std::string_view uid) {
  const auto* directory = cluster.Of(kind);
  return directory == nullptr || uid.empty() ? nullptr : directory->FindByUid(uid);
}

ObjectPtr ByName(const ClusterView& cluster, KubeKind kind, std::string_view name) {
  const auto* directory = cluster.Of(kind);
  return directory == nullptr || name.empty() ? nullptr : directory->FindByName(name);
}

// The owner's uid of what stands between a pod and its workload. Names follow rules, which others
// than a Deployment can follow too: here is what really owns it.
std::string OwnerUid(const ClusterView& cluster, KubeKind between, const kube::Pod& pod,
                     std::string_view kind) {
  const ObjectPtr found = ByUid(cluster, between, pod.workload.owner_uid);
  return found != nullptr && found->owner_kind == kind ? found->owner_uid : std::string();
}

bool OfDeployment(const kube::Pod& pod) {
  return pod.workload.kind == WorkloadKind::kDeployment ||
         pod.workload.kind == WorkloadKind::kReplicaSet;
}

bool OfJob(const kube::Pod& pod) {
  return pod.workload.kind == WorkloadKind::kJob || pod.workload.kind == WorkloadKind::kCronJob;
}

std::string UidOf(const ClusterView& cluster, const ClusterOrigin& origin, std::string_view name) {
  const kube::Pod* pod = origin.pod;
  if (name == kNodeUid) {
    const ObjectPtr node = ByName(cluster, KubeKind::kNode, origin.node);
    return node == nullptr ? std::string() : node->uid;
  }
  if (pod == nullptr) return {};
  if (name == kClusterUid) {
    // The cluster has no object of its own; that of this namespace is taken for it everywhere.
    const ObjectPtr system = ByName(cluster, KubeKind::kNamespace, "kube-system");
    return system == nullptr ? std::string() : system->uid;
  }
  if (name == kDeploymentUid && OfDeployment(*pod))
    return OwnerUid(cluster, KubeKind::kReplicaSet, *pod, "Deployment");
  if (name == kCronJobUid && OfJob(*pod)) return OwnerUid(cluster, KubeKind::kJob, *pod, "CronJob");
  return {};
}

ObjectPtr ObjectAround(const ClusterView& cluster, const ClusterOrigin& origin, KubeKind kind) {
  if (kind == KubeKind::kNamespace) return ByName(cluster, kind, origin.name_space);
  if (kind == KubeKind::kNode) return ByName(cluster, kind, origin.node);
  if (origin.pod == nullptr) return nullptr;
  const kube::Pod& pod = *origin.pod;
  const auto direct = [&](WorkloadKind of) {
    return pod.workload.kind == of ? ByUid(cluster, kind, pod.workload.owner_uid) : nullptr;
  };
  switch (kind) {
    case KubeKind::kDeployment:
      if (!OfDeployment(pod)) return nullptr;
      return ByUid(cluster, kind, OwnerUid(cluster, KubeKind::kReplicaSet, pod, "Deployment"));
    case KubeKind::kStatefulSet:
      return direct(WorkloadKind::kStatefulSet);
    case KubeKind::kDaemonSet:
      return direct(WorkloadKind::kDaemonSet);
    case KubeKind::kJob:
      return OfJob(pod) ? ByUid(cluster, kind, pod.workload.owner_uid) : nullptr;
    default:
      return nullptr;
  }
}

bool AnyFrom(const std::vector<PodTextRule>& rules, KubeKind kind) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const PodTextRule& rule) { return rule.from == kind; });
}

bool TextsFrom(const PodExtraction& rules, KubeKind kind) {
  return AnyFrom(rules.labels, kind) || AnyFrom(rules.annotations, kind);
}

}  // namespace

bool IsClusterAttribute(std::string_view name) {
  return name == kNodeUid || name == kClusterUid || name == kDeploymentUid || name == kCronJobUid;
}

std::set<KubeKind> KindsFor(const PodExtraction& rules) {
  std::set<KubeKind> kinds;
  for (std::size_t i = 1; i < kKubeKinds.size(); ++i) {
    if (TextsFrom(rules, static_cast<KubeKind>(i))) kinds.insert(static_cast<KubeKind>(i));
  }
  if (Has(rules.metadata, kClusterUid)) kinds.insert(KubeKind::kNamespace);
  if (Has(rules.metadata, kNodeUid)) kinds.insert(KubeKind::kNode);
  if (Has(rules.metadata, kCronJobUid)) kinds.insert(KubeKind::kJob);
  if (Has(rules.metadata, kDeploymentUid) || kinds.contains(KubeKind::kDeployment))
    kinds.insert(KubeKind::kReplicaSet);
  return kinds;
}

bool WantsOnlyClusterUid(const PodExtraction& rules) {
  return Has(rules.metadata, kClusterUid) && !TextsFrom(rules, KubeKind::kNamespace);
}

bool WantsLabelOf(KubeKind kind, const PodExtraction& rules, std::string_view key) {
  return WantsText(rules.labels, kind, key);
}

bool WantsAnnotationOf(KubeKind kind, const PodExtraction& rules, std::string_view key) {
  return WantsText(rules.annotations, kind, key);
}

void ForEachClusterAttribute(const ClusterView& cluster, const ClusterOrigin& origin,
                             const PodExtraction& rules,
                             const std::function<void(std::string_view, std::string_view)>& each) {
  for (const std::string& name : rules.metadata) {
    if (!IsClusterAttribute(name)) continue;
    if (const std::string uid = UidOf(cluster, origin, name); !uid.empty()) each(name, uid);
  }
  for (std::size_t i = 1; i < kKubeKinds.size(); ++i) {
    const auto kind = static_cast<KubeKind>(i);
    if (cluster.Of(kind) == nullptr || !TextsFrom(rules, kind)) continue;
    const ObjectPtr object = ObjectAround(cluster, origin, kind);
    if (object == nullptr) continue;
    ForEachText(object->labels, rules.labels, kind, "labels", each);
    ForEachText(object->annotations, rules.annotations, kind, "annotations", each);
  }
}

}  // namespace wirespan::gateway
