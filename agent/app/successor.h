#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/app/config.h"
#include "common/kube/access.h"
#include "common/kube/requester.h"

// Whether an agent comes after this one and takes over what it leaves (handover.h). Outside of pods
// that may always be: what nobody takes is removed in time (agent/kernel/left_behind.h). A pod
// takes whoever could remove it along, and so asks the API server for the DaemonSet that it is of:
//
//   the answer                                       comes  when
//   it is there                                      yes    rollout, eviction
//   404, or it has a deletionTimestamp               no     helm uninstall
//   its namespace has one                            no     kubectl delete namespace: pods may go
//                                                           before their DaemonSet
//   it is there, its template hands nothing over     no     an upgrade with handover: false
//   it is there, its nodeSelector asks for more      no     this node may be none of its own
//   401, 403, 429, 5xx, another object, none in 2 s  no
namespace wirespan::app {

// What the chart tells a pod by its variables.
struct OwnDaemonSet {
  std::string name{};                        // WIRESPAN_DAEMONSET
  std::string name_space{};                  // POD_NAMESPACE
  std::vector<std::string> node_selector{};  // WIRESPAN_NODE_SELECTOR, "key=value,key=value"
};
OwnDaemonSet OwnDaemonSetOf(const kube::Variables& variables);

// What of the answers matters.
struct DaemonSetSeen {
  bool deleting = false;
  bool space_deleting = false;               // its namespace
  bool hands_over = false;                   // its template sets WIRESPAN_DAEMONSET
  std::vector<std::string> node_selector{};  // of its template, "key=value"
};
// Two GETs, at most `timeout`. `seen` holds where the outcome is good.
kube::Outcome AskForDaemonSet(const kube::Access& access, const OwnDaemonSet& own,
                              std::chrono::milliseconds timeout, DaemonSetSeen& seen);

// Empty: one comes. Otherwise a sentence.
std::string WhyNobodyComes(const OwnDaemonSet& own, const kube::Outcome& asked,
                           const DaemonSetSeen& seen);

// All of it, for this machine or pod. While the answer is waited for, `meanwhile` is called again
// and again, on this thread: the rings go on being read.
std::string WhyNobodyComes(const KubernetesConfig& config, const kube::Variables& variables,
                           const std::function<void()>& meanwhile);

}  // namespace wirespan::app
