#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/pod.h"
#include "gateway/pipeline/text_rules.h"

// What a pod gives to the telemetry that comes from it, in the Collector's words.
namespace wirespan::gateway {

struct PodExtraction {
  // Names of attributes, see IsPodAttribute and IsClusterAttribute.
  std::vector<std::string> metadata{};
  std::vector<PodTextRule> labels{};
  std::vector<PodTextRule> annotations{};
  bool otel_annotations = false;  // resource.opentelemetry.io/<name>
  bool peers = false;             // ours: whose address a span's peer has
};

// Can stand in extract.metadata, or is of use in an association.
bool IsPodAttribute(std::string_view name);
// Why we have not what the Collector has, as the end of a sentence; empty: nobody has it.
std::string_view WhyNoPodAttribute(std::string_view name);

// The container that telemetry comes from, by what it says of itself (may be empty); null: it can't
// be told.
const kube::PodContainer* ContainerOf(const kube::Pod& pod, std::string_view container_name,
                                      std::string_view container_id);

// Empty: absent. `container` may be null.
std::string PodAttribute(const kube::Pod& pod, const kube::PodContainer* container,
                         std::string_view name);

// Calls for each attribute that the rules find, never with an empty value. A name may come twice:
// the first one counts.
void ForEachPodAttribute(const kube::Pod& pod, const kube::PodContainer* container,
                         const PodExtraction& rules,
                         const std::function<void(std::string_view, std::string_view)>& each);

// Whoever sets this to "true" on a pod wants it left alone; the Collector's.
inline constexpr std::string_view kIgnoreAnnotation = "opentelemetry.io/k8s-processor/ignore";

// What has to be kept of a pod for these rules.
bool WantsLabel(const PodExtraction& rules, std::string_view key);
bool WantsAnnotation(const PodExtraction& rules, std::string_view key);

// The attribute that a workload is told by: "k8s.deployment.name"; empty for none.
std::string_view WorkloadKey(kube::WorkloadKind kind);

}  // namespace wirespan::gateway
