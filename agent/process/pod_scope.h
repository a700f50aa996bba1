#pragma once

#include <optional>
#include <string>

#include "agent/process/cgroup.h"

namespace wirespan::process {

// The processes of one pod: those whose control groups lie in its group, as this agent sees the
// tree. In a control group namespace of its own (the usual container) it sees itself at the root
// and the rest of its pod beside that:
//
//   seen from the host            seen from container A
//   /kubepods/podX/A              /                  this agent
//   /kubepods/podX/B              /../B              its pod
//   /kubepods/podY/C              /../../podY/C      another pod
class PodScope {
 public:
  // Of the pod that a process is in. Without a pod's uid in its path the pod is the group around
  // its own. nullopt: the path is none.
  static std::optional<PodScope> Of(const Placement& member);

  bool Contains(const Placement& process) const;
  const std::string& group() const { return group_; }  // "/kubepods/podX", "/.."
  friend bool operator==(const PodScope&, const PodScope&) = default;

 private:
  PodScope(std::string group, std::string uid) : group_(std::move(group)), uid_(std::move(uid)) {}
  std::string group_;
  std::string uid_;  // empty: the paths do not tell
};

}  // namespace wirespan::process
