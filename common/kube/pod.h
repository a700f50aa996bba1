#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/glob.h"
#include "common/kube/projection.h"

// What is kept of a pod. What the API server does not say is empty; nothing is guessed.
namespace wirespan::kube {

enum class WorkloadKind : std::uint8_t {
  kNone,  // a bare pod, a static one, or one of a controller that we don't know
  kDeployment,
  kReplicaSet,
  kReplicationController,
  kStatefulSet,
  kDaemonSet,
  kCronJob,
  kJob,
};

struct Workload {
  WorkloadKind kind = WorkloadKind::kNone;
  std::string name{};
  // What stands between workload and pod: the Deployment's ReplicaSet, the CronJob's Job.
  std::string through{};
  // Of what stands nearest to the pod: the ReplicaSet's, the Job's, the DaemonSet's.
  std::string owner_uid{};
  friend bool operator==(const Workload&, const Workload&) = default;
};

struct PodContainer {
  std::string name{};
  std::string id{};     // without "containerd://"; empty: not started yet
  std::string image{};  // as the pod's specification has it
  friend bool operator==(const PodContainer&, const PodContainer&) = default;
};

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct Pod {
  std::string uid{};
  // A static pod's control group is named by the hash of its file, its object has another uid.
  std::string static_uid{};
  std::string name{};
  std::string name_space{};
  std::string node{};
  std::string hostname{};  // as its specification has it; mostly empty
  Workload workload{};
  std::vector<PodContainer> containers{};  // also earlier runs of restarted ones, at the end
  // The specification has exactly one container: whatever runs in the pod runs there.
  std::string only_container{};
  TextPairs labels{};       // all, or those asked for
  TextPairs annotations{};  // those asked for, and resource.opentelemetry.io/*
  std::vector<std::string> addresses{};
  std::string start_time{};  // RFC 3339
  bool host_network = false;
  bool ended = false;  // Succeeded or Failed: its addresses are others' by now
  friend bool operator==(const Pod&, const Pod&) = default;
};

// What a process is in Kubernetes.
struct PodPlace {
  std::shared_ptr<const Pod> pod{};  // null: unknown
  std::string container{};           // its name; empty: unknown
};

// First value of a key; empty if absent.
std::string_view FindText(const TextPairs& pairs, std::string_view key);

// "registry.example:5000/shop/cart:1.4@sha256:..." -> "1.4"; empty if there is no tag.
std::string_view ImageTag(std::string_view image);

// The wanted fields, for a watch; the numbers that PodOf reads by.
const std::vector<std::string>& PodFields();

struct PodOptions {
  GlobSet annotations{};  // names of those to keep
  // More of them, chosen by other means than patterns; empty: none.
  std::function<bool(std::string_view key)> more_annotations{};
  // Labels to keep; empty: all.
  std::function<bool(std::string_view key)> labels{};
};

// nullopt: without uid, name or namespace it is no pod.
std::optional<Pod> PodOf(const Object& object, const PodOptions& options);

// By the controller in ownerReferences. `template_hash`: the pod's label pod-template-hash.
// `created`: the pod's creationTimestamp. Deployments and CronJobs name what they make by rule:
//
//   ReplicaSet  <deployment>-<pod-template-hash>
//   Job         <cronjob>-<scheduled minute since 1970>, before 1.21 <scheduled second>
//
// A ReplicaSet or Job whose name does not follow it stands for itself.
Workload WorkloadOf(std::string_view owner_kind, std::string_view owner_name,
                    std::string_view template_hash, std::string_view created);

// Seconds since 1970 of "2026-11-28T20:15:00Z"; nullopt: not of that form.
std::optional<std::int64_t> ParseTime(std::string_view text);

}  // namespace wirespan::kube
