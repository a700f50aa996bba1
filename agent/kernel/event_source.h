#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/connection/event.h"
#include "common/base/result.h"

namespace wirespan::kernel {

// Something counted before user space saw it. `stage` and `reason` become labels of
// wirespan_kernel_{events,bytes}_total{reason} (docs/ledger.md).
struct KernelCount {
  std::string name{};    // e.g. "seen", "emitted", "dropped"
  std::string reason{};  // e.g. "ring_full", "excluded", "opaque", "recursion", "thirty_two_bit",
                         // "io_uring"
  std::uint64_t events = 0;  // since load
  std::uint64_t bytes = 0;
};

struct ProgramCost {
  std::string program{};
  std::uint64_t runs = 0;
  std::uint64_t run_time_ns = 0;       // 0 unless the kernel keeps BPF statistics
  std::uint64_t recursion_misses = 0;  // runs that the kernel left out and nothing made up for
};

struct SourceStatus {
  std::string backend{};  // "socktrace", "syscall", "fentry", "kprobe", "replay"
  bool attached = false;
  std::uint64_t ring_bytes = 0;
  std::uint64_t ring_used_bytes = 0;      // at the last drain
  std::uint64_t ring_used_max_bytes = 0;  // since the last call of status()
  std::uint64_t ring_waiting_bytes = 0;   // written and not yet read, now
  std::vector<KernelCount> counts{};
  std::vector<ProgramCost> programs{};
};

// Where events come from: the live kernel, or a recording. Driven by one thread.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // Waits at most `timeout` for events, then hands over all that are there, in order. Returns how
  // many; an Error means that the source is at its end or broken (kCancelled: a recording ended).
  virtual Result<std::uint64_t> Poll(connection::EventHandler& handler,
                                     std::chrono::milliseconds timeout) = 0;
  // A snapshot; cheap enough for every scrape. Same thread as Poll.
  virtual SourceStatus Status() = 0;
};

}  // namespace wirespan::kernel
