#include "agent/kernel/kernel_counts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <string_view>

#include "bpf/abi/counter.h"

namespace wirespan::kernel {
namespace {

struct Name {
  const char* name;
  const char* reason;
};

constexpr Name kNames[WS_COUNTERS] = {
    {"seen", ""},
    {"captured", ""},
    {"ignored", "empty"},
    {"ignored", "peek"},
    {"ignored", "out_of_band"},
    {"ignored", "excluded"},
    {"ignored", "not_stream"},
    {"ignored", "opaque"},
    {"ignored", "unrecognized"},
    {"ignored", "kernel_thread"},
    {"ignored", "thirty_two_bit"},
    {"dropped", "ring_full"},
    {"dropped", "share"},
    {"dropped", "nested"},
    {"dropped", "socket_table"},
    {"noted", "no_buffer"},
    {"noted", "io_uring"},
    {"noted", "fault"},
    {"noted", "tls"},
    {"noted", "http2"},
    {"noted", "upgraded"},
    {"noted", "not_http"},
    {"noted", "head_bound"},
    {"noted", "window_bound"},
    {"noted", "inexact"},
    {"noted", "unseen"},
    {"noted", "side_ring"},
    {"noted", "doorbell"},
    {"records", ""},
    {"records_dropped", "no_room"},
    {"dropped", "call_table"},
    {"noted", "http2_lost"},
    {"noted", "http2_undone"},
};

// Whether `second` does what `first` was kept from.
bool MakesUpFor(std::string_view second, std::string_view first) {
  static constexpr std::string_view kAgain = "_again";
  if (!second.ends_with(kAgain)) return false;
  second.remove_suffix(kAgain.size());
  if (!first.ends_with(second)) return false;
  return first.size() == second.size() || first[first.size() - second.size() - 1] == '_';
}

}  // namespace

std::vector<KernelCount> ReadKernelCounts(int counts_fd) {
  std::vector<KernelCount> counts{};
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return counts;
  std::vector<ws_counts> each(static_cast<std::size_t>(cpus));
  const std::uint32_t key = 0;
  if (bpf_map_lookup_elem(counts_fd, &key, each.data()) != 0) return counts;
  for (int i = 0; i < WS_COUNTERS; ++i) {
    KernelCount sum{kNames[i].name, kNames[i].reason, 0, 0};
    for (const ws_counts& one : each) {
      sum.events += one.of[i].events;
      sum.bytes += one.of[i].bytes;
    }
    counts.push_back(std::move(sum));
  }
  return counts;
}

std::uint64_t MissedForGood(std::vector<ProgramCost>& programs) {
  std::uint64_t missed = 0;
  for (ProgramCost& first : programs) {
    const auto makes_up = [&first](const ProgramCost& other) {
      return MakesUpFor(other.program, first.program);
    };
    if (std::ranges::any_of(programs, makes_up)) first.recursion_misses = 0;
    missed += first.recursion_misses;
  }
  return missed;
}

}  // namespace wirespan::kernel
