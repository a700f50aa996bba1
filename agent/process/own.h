#pragma once

#include <cstdint>
#include <string>

#include "agent/process/cgroup.h"
#include "common/base/result.h"

// This process as the host's /proc shows it. In a container the pid that the kernel's events tell
// is another one than getpid()'s.
namespace wirespan::process {

struct OwnProcess {
  std::uint32_t pid = 0;
  std::uint64_t start_ticks = 0;
  Placement placement{};
};

// `root`: "<root>/proc" is read, "" for this file system's.
Result<OwnProcess> ReadOwnProcess(const std::string& root);

}  // namespace wirespan::process
