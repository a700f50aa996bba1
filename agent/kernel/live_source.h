#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/kernel/event_source.h"
#include "agent/process/held_file.h"
#include "common/base/result.h"

namespace wirespan::kernel {

struct CaptureOptions {
  // "auto", "socktrace", "fentry", "kprobe" or "syscall". "auto" takes the first of that order that
  // this kernel offers and that misses no call on it, or hardly one (misses.h), or else the first
  // offered.
  std::string backend = "auto";
  std::uint64_t ring_bytes =
      16u << 20;  // all CPUs together; divided by the CPUs that there may be, bounded by 48 MiB
  std::uint32_t head_bytes = 16384;        // of one message head that are captured; at most 64 KiB
  std::uint32_t http2_head_bytes = 65536;  // of one HTTP/2 header block; at most 1 MiB
  std::uint32_t max_sockets =
      65536;  // kprobe and kernels without socket storage: how many sockets are remembered
  std::uint32_t max_processes = 16384;  // verdicts that are kept
  std::vector<std::uint16_t>
      include_ports{};  // empty: all. Either end's port; Unix sockets pass an include list never
  std::vector<std::uint16_t> exclude_ports{};  // stronger than include_ports
  std::vector<std::uint32_t>
      exclude_pids{};            // beside the calling process itself, which is always excluded
  bool splice_at_once = false;   // otherwise what splices is seen once something on the machine did
  bool keep_statistics = false;  // BPF run times for SourceStatus::programs while this source lives
                                 // (a few ns each run)
};

// What is to happen with a process (tgid in the initial pid namespace). Unknown processes are
// captured, so that nothing is missed before user space has looked at them.
enum class Verdict : std::uint8_t { kUnknown = 0, kInclude = 1, kExclude = 2 };

// The kernel of this machine. Create loads and attaches everything; the destructor takes everything
// away again. One thread drives it, setters included.
class LiveSource : public EventSource {
 public:
  // The error says what is missing in one sentence: kPermissionDenied (rights), kUnsupported
  // (kernel), kInvalidArgument (options).
  static Result<std::unique_ptr<LiveSource>> Create(const CaptureOptions& options);

  // Holds from the next call of the process on; sockets that were seen under another verdict are
  // judged again. kResourceExhausted: max_processes verdicts are kept already.
  virtual Result<> SetVerdict(std::uint32_t pid, Verdict verdict) = 0;
  // Takes the verdict back, if there is one (process ended).
  virtual void ForgetProcess(std::uint32_t pid) = 0;
  // Replaces the port lists of the options.
  virtual Result<> SetPorts(const std::vector<std::uint16_t>& include,
                            const std::vector<std::uint16_t>& exclude) = 0;

  // The root of this process's control group namespace when the source was made: lines as of
  // /proc/PID/cgroup with absolute paths, the hierarchies of ExecEvent::groups. Empty: not told.
  virtual const std::string& own_groups() const = 0;

  // As process::HeldFiles: what the processes of the machine hold at this moment. False: ask /proc.
  virtual bool ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit) = 0;

  // So many events came to the handler by another way (left_behind.h): they count as concluded.
  virtual void NoteTakenOver(std::uint64_t events) = 0;
  // The programs go on for `hold` after this source is gone, for the agent that comes next
  // (left_behind.h), which gets `state` too. Call it last, after the last Poll.
  virtual Result<> LeaveBehind(const std::string& directory, std::string_view state,
                               std::chrono::seconds hold) = 0;
};

// The names that CaptureOptions::backend accepts, in the order of "auto".
const std::vector<std::string_view>& BackendNames();

}  // namespace wirespan::kernel
