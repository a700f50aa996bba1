#pragma once

#include <chrono>
#include <compare>
#include <string>

#include "gateway/pipeline/k8s_attributes_processor.h"
#include "gateway/pipeline/kube_kind.h"

namespace wirespan::gateway {

// What one watch is of, and how the API server is spoken to. Equal ones can be one watch.
struct WatchSelection {
  KubeKind kind = KubeKind::kPod;
  KubeAuth auth = KubeAuth::kServiceAccount;
  std::string context{};
  std::string name_space{};  // empty: all
  std::string field_selector{};
  std::string label_selector{};
  std::chrono::seconds grace{};
  friend auto operator<=>(const WatchSelection&, const WatchSelection&) = default;

  // What a processor needs of a kind.
  static WatchSelection Of(const K8sAttributesOptions& options, KubeKind kind);
  std::string Name() const;  // for labels of metrics and for sentences
  std::string Path() const;  // "/apis/apps/v1/replicasets"
};

}  // namespace wirespan::gateway
