#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/process/cgroup.h"
#include "agent/process/command_line.h"
#include "agent/process/proc_text.h"
#include "common/kube/pod.h"

namespace wirespan::process {

// What is known of one process. Fields that could not be read stay empty; `complete` says whether
// /proc was read at all (otherwise it comes from the exec event of a process that was gone by then,
// or is the pid alone).
struct ProcessInfo {
  std::uint32_t pid = 0;  // in the initial pid namespace
  std::uint32_t parent_pid = 0;
  std::uint32_t inner_pid = 0;    // in its own pid namespace; 0: unknown
  std::uint64_t start_ticks = 0;  // since boot; with the pid it names the process. 0: unknown
  bool complete = false;
  bool exiting = false;  // it was ending when it was read: most of it was not told any more

  std::string comm{};
  std::string executable{};  // path as the process's own root has it; may end in " (deleted)"
  std::vector<std::string> arguments{};
  Program program{};

  Placement placement{};         // cgroup, container, systemd unit
  std::string container_name{};  // where the runtime tells
  kube::PodPlace kubernetes{};   // where the API server told

  bool owner_known = false;
  std::uint32_t owner_uid = 0;
  std::string owner{};  // login name; the number as text if it has none here

  Variables otel{};  // OTEL_* alone
};

}  // namespace wirespan::process
