#include "gateway/pipeline/pod_attributes.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"

namespace wirespan::gateway {

namespace {

using kube::FindText;
using kube::Pod;
using kube::PodContainer;
using kube::WorkloadKind;

constexpr std::string_view kResourceAnnotation = "resource.opentelemetry.io/";

// The attributes of workloads: the one that a pod belongs to, and what stands between them.
struct WorkloadNames {
  WorkloadKind kind;
  std::string_view name;
  std::string_view through;
  std::string_view owner_uid;
};
constexpr std::array<WorkloadNames, 7> kWorkloads = {{
    {WorkloadKind::kDeployment, "k8s.deployment.name", "k8s.replicaset.name", "k8s.replicaset.uid"},
    {WorkloadKind::kReplicaSet, "k8s.replicaset.name", "", "k8s.replicaset.uid"},
    {WorkloadKind::kReplicationController, "k8s.replicationcontroller.name", "",
     "k8s.replicationcontroller.uid"},
    {WorkloadKind::kStatefulSet, "k8s.statefulset.name", "", "k8s.statefulset.uid"},
    {WorkloadKind::kDaemonSet, "k8s.daemonset.name", "", "k8s.daemonset.uid"},
    {WorkloadKind::kCronJob, "k8s.cronjob.name", "k8s.job.name", "k8s.job.uid"},
    {WorkloadKind::kJob, "k8s.job.name", "", "k8s.job.uid"},
}};

constexpr std::array<std::string_view, 15> kOthers = {
    "k8s.namespace.name", "k8s.pod.name",         "k8s.pod.uid",         "k8s.pod.hostname",
    "k8s.pod.ip",         "k8s.pod.start_time",   "k8s.node.name",       "k8s.container.name",
    "container.id",       "container.image.name", "container.image.tag", "service.namespace",
    "service.name",       "service.version",      "service.instance.id",
};

std::string_view OfWorkload(const Pod& pod, std::string_view name) {
  for (const WorkloadNames& names : kWorkloads) {
    if (names.kind != pod.workload.kind) continue;
    if (name == names.name) return pod.workload.name;
    if (name == names.through) return pod.workload.through;
    if (name == names.owner_uid) return pod.workload.owner_uid;
  }
  return {};
}

// "registry:5000/shop/cart" of "registry:5000/shop/cart:1.4@sha256:...".
std::string_view ImageName(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::string_view tag = kube::ImageTag(image);
  return tag.empty() ? image : image.substr(0, image.size() - tag.size() - 1);
}

std::string_view Stated(const Pod& pod, std::string_view name) {
  for (const auto& [key, value] : pod.annotations) {
    if (key.starts_with(kResourceAnnotation) &&
        std::string_view(key).substr(kResourceAnnotation.size()) == name) {
      return value;
    }
  }
  return {};
}

std::string FirstOf(std::initializer_list<std::string_view> values) {
  for (const std::string_view value : values) {
    if (!value.empty()) return std::string(value);
  }
  return {};
}

// As OpenTelemetry's conventions for Kubernetes want them calculated.
std::string ServiceAttribute(const Pod& pod, const PodContainer* container, std::string_view name) {
  const std::string_view stated = Stated(pod, name);
  if (name == "service.namespace") return FirstOf({stated, pod.name_space});
  if (name == "service.name") {
    return FirstOf({stated, FindText(pod.labels, "app.kubernetes.io/instance"),
                    FindText(pod.labels, "app.kubernetes.io/name"), pod.workload.name, pod.name});
  }
  if (name == "service.version") {
    return FirstOf({stated, FindText(pod.labels, "app.kubernetes.io/version"),
                    container == nullptr ? "" : kube::ImageTag(container->image)});
  }
  if (!stated.empty() || container == nullptr) return std::string(stated);
  return pod.name_space + "." + pod.name + "." + container->name;
}

std::string OfContainer(const PodContainer& container, std::string_view name) {
  if (name == "k8s.container.name") return container.name;
  if (name == "container.id") return container.id;
  if (name == "container.image.name") return std::string(ImageName(container.image));
  return std::string(kube::ImageTag(container.image));
}

}  // namespace

std::string_view WorkloadKey(WorkloadKind kind) {
  for (const WorkloadNames& names : kWorkloads) {
    if (names.kind == kind) return names.name;
  }
  return {};
}

bool IsPodAttribute(std::string_view name) {
  if (std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end()) return true;
  return std::any_of(kWorkloads.begin(), kWorkloads.end(),
                     [&](const WorkloadNames& names) {
                       return name == names.name || name == names.through ||
                              name == names.owner_uid;
                     }) &&
         !name.empty();
}

std::string_view WhyNoPodAttribute(std::string_view name) {
  if (name == "container.image.repo_digests" || name == "container.image.tags") {
    return "use container.image.name and container.image.tag";
  }
  return {};
}

const PodContainer* ContainerOf(const Pod& pod, std::string_view container_name,
                                std::string_view container_id) {
  const bool named = !container_name.empty() || !container_id.empty();
  if (!named) {
    // Whatever runs in the pod runs there.
    if (pod.only_container.empty()) return nullptr;
    container_name = pod.only_container;
  }
  for (const PodContainer& one : pod.containers) {
    if (container_name.empty() ? one.id == container_id : one.name == container_name) return &one;
  }
  return nullptr;
}

std::string PodAttribute(const Pod& pod, const PodContainer* container, std::string_view name) {
  if (name == "k8s.namespace.name") return pod.name_space;
  if (name == "k8s.pod.name") return pod.name;
  if (name == "k8s.pod.uid") return pod.uid;
  if (name == "k8s.pod.hostname") return pod.hostname;
  if (name == "k8s.pod.ip") return pod.addresses.empty() ? "" : pod.addresses.front();
  if (name == "k8s.pod.start_time") return pod.start_time;
  if (name == "k8s.node.name") return pod.node;
  if (name.starts_with("service.")) return ServiceAttribute(pod, container, name);
  if (name == "k8s.container.name" || name.starts_with("container.")) {
    return container == nullptr ? "" : OfContainer(*container, name);
  }
  return std::string(OfWorkload(pod, name));
}

void ForEachPodAttribute(const Pod& pod, const PodContainer* container, const PodExtraction& rules,
                         const std::function<void(std::string_view, std::string_view)>& each) {
  if (rules.otel_annotations) {
    for (const auto& [key, value] : pod.annotations) {
      const std::string_view name = key.starts_with(kResourceAnnotation)
                                        ? std::string_view(key).substr(kResourceAnnotation.size())
                                        : std::string_view();
      if (!name.empty() && !value.empty()) each(name, value);
    }
  }
  for (const std::string& name : rules.metadata) {
    if (const std::string value = PodAttribute(pod, container, name); !value.empty()) {
      each(name, value);
    }
  }
  ForEachText(pod.labels, rules.labels, KubeKind::kPod, "labels", each);
  ForEachText(pod.annotations, rules.annotations, KubeKind::kPod, "annotations", each);
}

bool WantsLabel(const PodExtraction& rules, std::string_view key) {
  for (const std::string_view each :
       {"app.kubernetes.io/instance", "app.kubernetes.io/name", "app.kubernetes.io/version"}) {
    if (key == each) return true;  // services are named by them
  }
  return WantsText(rules.labels, KubeKind::kPod, key);
}

bool WantsAnnotation(const PodExtraction& rules, std::string_view key) {
  return key == kIgnoreAnnotation || WantsText(rules.annotations, KubeKind::kPod, key);
}

}  // namespace wirespan::gateway
