#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/config.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/kube/pod_table.h"
#include "common/kube/watcher.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// What of Kubernetes this machine and configuration offer.
struct KubernetesPlan {
  bool wanted = false;
  std::string node_name{};
  kube::Access access{};
  std::string why_not{};  // wanted and impossible: a sentence; not wanted: why
  bool possible() const { return wanted && why_not.empty(); }
};
KubernetesPlan PlanKubernetes(const KubernetesConfig& config, const kube::Variables& variables);

// This node's pods, told by the API server. Any thread.
class Kubernetes {
 public:
  // null: not in Kubernetes, or switched off; what is wanted and impossible is told in the log, and
  // is an error with `enabled: on` alone.
  static Result<std::unique_ptr<Kubernetes>> Start(const KubernetesConfig& config,
                                                   const Clock& clock,
                                                   telemetry::Registry& registry);

  const kube::PodTable& pods() const { return pods_; }
  const std::string& node_name() const { return plan_.node_name; }
  // For the first list, at most `timeout`; says in the log what came of it.
  void WaitForPods(std::chrono::milliseconds timeout) const;
  // For `explain`: what is known, and since when not.
  std::string Describe(const Clock& clock) const;

 private:
  Kubernetes(KubernetesPlan plan, const KubernetesConfig& config, const Clock& clock,
             telemetry::Registry& registry);

  const KubernetesPlan plan_;
  kube::PodTable pods_;
  std::unique_ptr<kube::Watcher> watcher_;  // last: ends before its table
};

// The watch that `plan` leads to; also for a single try.
kube::WatchOptions WatchOptionsOf(const KubernetesPlan& plan);

}  // namespace wirespan::app
