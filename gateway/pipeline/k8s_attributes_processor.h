#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/cluster_attributes.h"
#include "gateway/pipeline/edit_processor.h"
#include "gateway/pipeline/pod_association.h"
#include "gateway/pipeline/pod_attributes.h"

namespace wirespan::gateway {

// How the API server is found and spoken to.
enum class KubeAuth : std::uint8_t {
  kServiceAccount,
  kNone,        // no token, and any certificate will do
  kKubeConfig,  // as kubectl does, by KUBECONFIG or ~/.kube/config
};

// Which pods are watched, and how. Processors with equal ones share a watch.
struct PodWatchOptions {
  KubeAuth auth = KubeAuth::kServiceAccount;
  std::string context{};         // of the kubeconfig; empty: its current one
  std::string node{};            // empty: all. field_selector has it too
  std::string name_space{};      // empty: all
  std::string field_selector{};  // "spec.nodeName=n1"
  std::string label_selector{};
  std::chrono::seconds grace{120};  // pod_delete_grace_period
  friend auto operator<=>(const PodWatchOptions&, const PodWatchOptions&) = default;
};

// The Collector's keys and defaults.
struct K8sAttributesOptions {
  bool passthrough = false;  // only k8s.pod.ip, of the connection; no API server is asked
  PodWatchOptions watch{};
  PodExtraction extract{};
  std::vector<PodAssociation> associations{};
  std::vector<Pattern> excluded{};   // names of pods
  std::chrono::milliseconds wait{};  // for the first list, at the start; 0: not at all
};

// `k8sattributes`: gives resources the attributes of the pods that they come from. What a resource
// says itself stays. Telemetry that wirespan-agent observed comes from other pods than the agent's:
// the connection says nothing of it.
class K8sAttributesProcessor : public EditProcessor {
 public:
  // `cluster` has no pods with passthrough alone.
  K8sAttributesProcessor(std::string id, K8sAttributesOptions options, ClusterView cluster,
                         Consumer& next, telemetry::Registry& registry);

 protected:
  std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) override;

 private:
  friend class PodEditor;
  using Counters = std::array<telemetry::Counter*, 3>;  // by AssociationOutcome

  const K8sAttributesOptions options_;
  const ClusterView cluster_;
  const bool around_;  // more than pods is asked for
  Counters resources_{};
  Counters peers_{};
};

}  // namespace wirespan::gateway
