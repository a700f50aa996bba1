#pragma once

#include <array>
#include <string>

#include "agent/process/host.h"
#include "agent/process/instrumented.h"
#include "agent/process/process_info.h"
#include "agent/process/procfs.h"
#include "common/telemetry/metrics.h"

namespace wirespan::process {

struct ReadProcessResult {
  ProcessInfo info{};
  TraceDecision traces{};
};

// Reads all that is wanted of one process, once. Thread: any, one at a time.
class ProcessReader {
 public:
  // `root`: where the host's tree lies, "" for this one. Counts failures as
  // wirespan_process_read_failures_total{reason=gone|denied|malformed|other}.
  ProcessReader(std::string root, telemetry::Registry& registry);

  // kNotFound: the process is gone. Parts that can't be read (another user's environment) are left
  // empty and counted; only without stat there is no process.
  Result<ReadProcessResult> Read(std::uint32_t pid, const TraceConfig& config);
  // Start time alone: is it still the same process? One small file.
  Result<std::uint64_t> StartTicks(std::uint32_t pid);
  // Looks for an SDK again: libraries may come after the first look.
  Result<TraceDecision> ReadTraces(const ProcessInfo& info, const TraceConfig& config);
  // Where a process is placed, for one that is known by its parent alone.
  Placement ReadPlacement(std::uint32_t pid);
  // By what the container's runtime left, for a process that is gone.
  std::string ReadContainerName(const ProcessInfo& info) const;

  const std::string& root() const { return root_; }

 private:
  void Count(const Error& error);
  void Place(const ProcessFolder& folder, const std::string& cgroup, ProcessInfo& info) const;
  std::string root_;
  UserNames users_;
  telemetry::Counter& gone_;
  telemetry::Counter& denied_;
  telemetry::Counter& malformed_;
  telemetry::Counter& other_;
};

}  // namespace wirespan::process
