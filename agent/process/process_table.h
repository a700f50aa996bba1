#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/cgroup_view.h"
#include "agent/process/filter.h"
#include "agent/process/host.h"
#include "agent/process/instrumented.h"
#include "agent/process/process_info.h"
#include "agent/process/process_reader.h"
#include "agent/process/resource.h"
#include "agent/process/service_name.h"
#include "common/base/flat_map.h"
#include "common/kube/pod_table.h"
#include "common/telemetry/metrics.h"

namespace wirespan::process {

// All that was decided about one process. Immutable; replaced as a whole when something changes.
struct Process {
  ProcessInfo info{};  // arguments cut to 1 KiB, of OTEL_* only what names it
  ServiceName service{};
  ProcessResource resource{};
  FilterDecision filter{};
  TraceDecision traces{};
  // What the owner of the table made of it (its own resource type), by TableConfig::attach.
  std::shared_ptr<const void> attachment{};
};

struct TableConfig {
  FilterConfig filter{};
  std::vector<ServiceRule> services{};
  TraceConfig traces{};
  ResourceOptions resource{};
  const kube::PodTable* pods = nullptr;  // outlives the table; null: no Kubernetes
  std::function<std::shared_ptr<const void>(const Process&)> attach{};
};

struct TableLimits {
  // Beyond either, the eighth that was longest not asked for is forgotten, and read again when
  // asked for.
  std::size_t max_processes = 8192;
  std::size_t max_bytes = 16u << 20;
  // Processes of which only the exec or fork is known; beyond it the oldest goes.
  std::size_t max_seeds = 4096;
  // Events of a dead process may still wait in the ring.
  std::uint64_t exit_grace_ns = 10'000'000'000;
  // Is the pid still the same process? Exit events may be lost.
  std::uint64_t revisit_ns = 30'000'000'000;
  // Libraries of an SDK may be loaded after the process was first seen: looked for again after
  // this, ten times and sixty times this.
  std::uint64_t second_look_ns = 500'000'000;
  // A process that couldn't be read, or died.
  std::uint64_t retry_ns = 1'000'000'000;
  // At most so often all processes are compared with what changed in Kubernetes.
  std::uint64_t pods_ns = 200'000'000;
};

// pid -> process, for every exchange: a known pid costs one hash lookup, no clock, no lock. An
// unknown one costs one round of reads under /proc (some 100 us). One thread: the pipeline's.
class ProcessTable {
 public:
  ProcessTable(std::string root, HostInfo host, TableConfig config, TableLimits limits,
               telemetry::Registry& registry);

  // The table's idea of now, CLOCK_MONOTONIC; call it once a batch of events. Forgets processes
  // long dead.
  void Advance(std::uint64_t now_ns);

  // Never fails: a process of which nothing is known has the name "unknown_service". `event_ns`:
  // when what it is asked for happened, 0 if unknown; tells a dead process from the next one of the
  // same pid. The reference holds until the next call of a method that is not const.
  const Process& Find(std::uint32_t pid, std::uint64_t event_ns = 0);

  // Words of the kernel, in the ring's order. Views are copied, with bounds.
  // `groups`: its control groups, lines as of /proc/PID/cgroup with absolute paths.
  void OnExec(std::uint32_t pid, std::uint32_t parent_pid, std::uint64_t ts_ns,
              std::string_view filename, std::string_view arguments, std::string_view groups);
  void OnFork(std::uint32_t pid, std::uint32_t parent_pid, std::uint64_t ts_ns);
  void OnExit(std::uint32_t pid, std::uint64_t ts_ns);

  // The process turned out to report its own spans. `exported`: it sent telemetry; otherwise it
  // sent a span id that no request had brought. Returns whether that changed anything (a first
  // time, in mode auto).
  bool NoteInstrumented(std::uint32_t pid, bool exported);

  // Processes of which Kubernetes told more since the last call: Find decides them again.
  std::vector<std::uint32_t> TakeRevised() { return std::exchange(revised_, {}); }

  // New rules: every process is decided again when it is next asked for. What was learned stays.
  void Reconfigure(TableConfig config);

  const TableConfig& config() const { return config_; }
  std::size_t size() const { return entries_.size(); }
  // Where paths of /proc/PID/cgroup begin here, for those that the kernel tells.
  void SeeGroups(CgroupView view) { groups_ = std::move(view); }

  // Visits all; for listings.
  void ForEach(const std::function<void(const Process&)>& visit) const;

 private:
  struct Entry {
    std::shared_ptr<const Process> process{};
    std::uint64_t next_look_ns = 0;  // 0: at once
    std::uint64_t used_ns = 0;
    std::size_t bytes = 0;
    std::uint64_t exited_ns = 0;  // 0: lives, as far as we know
    std::uint8_t looks = 0;       // for an SDK, after the first
    bool known = false;           // /proc or the kernel told who it is
    // Learned from traffic, kept over new rules, lost by exec.
    bool sends_own_ids = false;
    bool exports = false;
  };
  using Entries = FlatMap<std::uint32_t, Entry>;
  struct Seed {
    std::uint64_t ts_ns = 0;
    std::uint32_t parent_pid = 0;
    bool is_exec = false;
    std::string filename{};
    std::string arguments{};
    std::string groups{};  // of an exec
  };

  const Process& Look(std::uint32_t pid, Entry& entry, std::uint64_t event_ns);
  void Load(std::uint32_t pid, Entry& entry);
  std::uint64_t NextLook(const Entry& entry) const;
  void LoadGone(std::uint32_t pid, Entry& entry, ReadProcessResult* last);
  ProcessInfo Reconstruct(std::uint32_t pid, const ProcessInfo* before);
  void Publish(std::uint32_t pid, Entry& entry, ProcessInfo info, TraceDecision traces);
  void AddSeed(std::uint32_t pid, Seed seed);
  void PublishTraces(std::uint32_t pid, Entry& entry, TraceDecision traces);
  void Store(std::uint32_t pid, Entry& entry, std::shared_ptr<Process> process);
  kube::PodPlace PlaceOf(const ProcessInfo& info, const Entry& entry);
  void LookForPods();
  void Forget(Entries::iterator entry);
  void ForgetOldest(std::uint32_t except_pid);

  HostInfo host_;
  CgroupView groups_;
  TableConfig config_;
  TableLimits limits_;
  ProcessReader reader_;
  std::uint64_t now_ns_ = 1;
  Entries entries_;
  std::size_t bytes_ = 0;  // of all entries, about
  FlatMap<std::uint32_t, Seed> seeds_;
  std::deque<std::pair<std::uint32_t, std::uint64_t>> seed_order_;  // pid and time of the seed
  std::deque<std::pair<std::uint32_t, std::uint64_t>> exits_;       // pid and when it is forgotten

  std::uint64_t pods_version_ = 0;
  std::uint64_t pods_next_ns_ = 0;
  std::vector<std::uint32_t> revised_{};  // at most one for each entry

  telemetry::Counter& loads_;
  telemetry::Counter& evicted_;
  telemetry::Counter& seeds_dropped_;
  telemetry::Counter& reconstructed_;
  telemetry::Counter& unknown_;
  telemetry::Counter& placeless_;
  telemetry::Counter& pod_known_;
  telemetry::Counter& pod_unknown_;
  telemetry::Counter& pod_revised_;
  telemetry::Gauge& known_processes_;
};

}  // namespace wirespan::process
