#include "agent/process/pod_attributes.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirespan::process {
namespace {

constexpr std::string_view kPrefix = "resource.opentelemetry.io/";
constexpr std::size_t kMaxStated = 32;

bool Has(const Attributes& attributes, std::string_view key) {
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const auto& one) { return one.first == key; });
}

// The attributes that a workload and what stands below it are told by.
std::pair<std::string_view, std::string_view> WorkloadKeys(kube::WorkloadKind kind) {
  switch (kind) {
    case kube::WorkloadKind::kDeployment:
      return {"k8s.deployment.name", "k8s.replicaset.name"};
    case kube::WorkloadKind::kReplicaSet:
      return {"k8s.replicaset.name", {}};
    case kube::WorkloadKind::kReplicationController:
      return {"k8s.replicationcontroller.name", {}};
    case kube::WorkloadKind::kStatefulSet:
      return {"k8s.statefulset.name", {}};
    case kube::WorkloadKind::kDaemonSet:
      return {"k8s.daemonset.name", {}};
    case kube::WorkloadKind::kCronJob:
      return {"k8s.cronjob.name", "k8s.job.name"};
    case kube::WorkloadKind::kJob:
      return {"k8s.job.name", {}};
    case kube::WorkloadKind::kNone:
      break;
  }
  return {};
}

std::string_view ImageOf(const kube::Pod& pod, std::string_view container) {
  for (const kube::PodContainer& one : pod.containers) {
    if (one.name == container) return one.image;
  }
  return {};
}

}  // namespace

bool IsObservedAttribute(std::string_view key) {
  for (const std::string_view prefix : {"process.", "host.", "telemetry.", "os."}) {
    if (key.starts_with(prefix)) return true;
  }
  return key == "container.id" || key == "service.name" || key == "service.namespace";
}

std::string_view PodAnnotation(const kube::Pod& pod, std::string_view name) {
  for (const auto& [key, value] : pod.annotations) {
    if (key.starts_with(kPrefix) && std::string_view(key).substr(kPrefix.size()) == name)
      return value;
  }
  return {};
}

std::string PodInstanceId(const ProcessInfo& process) {
  const auto& [pod, container] = process.kubernetes;
  if (pod == nullptr || container.empty() || process.inner_pid == 0) return {};
  std::string id = fmt::format("{}.{}.{}", pod->name_space, pod->name, container);
  if (process.inner_pid != 1) id += fmt::format(".{}", process.inner_pid);
  return SaneName(id) == id ? id : std::string();
}

void AddPodResource(const ProcessInfo& process, Attributes& attributes) {
  const kube::Pod* pod = process.kubernetes.pod.get();
  if (pod == nullptr) return;
  const auto state = [&](std::string_view key, std::string value) {
    if (!value.empty() && !IsObservedAttribute(key) && !Has(attributes, key))
      attributes.emplace_back(key, std::move(value));
  };
  for (const auto& [key, value] : pod->annotations) {
    if (attributes.size() >= 2 * kMaxStated) break;
    if (!key.starts_with(kPrefix)) continue;
    const std::string_view name = std::string_view(key).substr(kPrefix.size());
    if (!name.empty() && SaneName(name) == name) state(name, SaneText(value));
  }
  state("service.version", SaneText(kube::FindText(pod->labels, "app.kubernetes.io/version")));
  state("service.version", SaneText(kube::ImageTag(ImageOf(*pod, process.kubernetes.container))));
}

void AddPodAttributes(const ProcessInfo& process, const ResourceOptions& options,
                      Attributes& attributes) {
  // Of k8s.* a process may say what it was told; what is observed replaces it.
  const auto add = [&](std::string_view key, std::string value) {
    if (value.empty()) return;
    std::erase_if(attributes, [&](const auto& one) { return one.first == key; });
    attributes.emplace_back(key, std::move(value));
  };
  add("k8s.node.name", SaneName(options.node_name));
  const kube::Pod* pod = process.kubernetes.pod.get();
  if (pod == nullptr) {
    // A static pod's group is named by another uid than its object's, which has dashes.
    const std::string& uid = process.placement.pod_uid;
    add("k8s.pod.uid", uid.find('-') == std::string::npos ? SaneName(options.own_pod.uid) : uid);
    add("k8s.pod.name", SaneText(options.own_pod.name));
    add("k8s.namespace.name", SaneName(options.own_pod.name_space));
    return;
  }
  add("k8s.namespace.name", SaneName(pod->name_space));
  add("k8s.pod.name", SaneText(pod->name));
  add("k8s.pod.uid", SaneName(pod->uid));
  add("k8s.pod.start_time", pod->start_time);
  add("k8s.container.name", SaneName(process.kubernetes.container));
  const auto [key, below] = WorkloadKeys(pod->workload.kind);
  if (!key.empty()) add(key, SaneText(pod->workload.name));
  if (!below.empty()) add(below, SaneText(pod->workload.through));
  for (const auto& [label, value] : pod->labels) {
    if (options.pod_labels.Matches(label)) add("k8s.pod.label." + label, SaneText(value));
  }
  for (const auto& [annotation, value] : pod->annotations) {
    if (options.pod_annotations.Matches(annotation))
      add("k8s.pod.annotation." + annotation, SaneText(value));
  }
}

}  // namespace wirespan::process
