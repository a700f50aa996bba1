#pragma once

#include <cstdint>
#include <vector>

#include "agent/kernel/event_source.h"

namespace wirespan::kernel {

// The per-CPU counters of bpf/abi/counter.h, summed over the CPUs, with the names that the ledger
// uses (docs/ledger.md): seen = captured + ignored{reason} + dropped{reason}, in calls and bytes;
// noted{reason} are remarks; records count what was written into the rings, dropped records are
// dropped{record_lost}.
std::vector<KernelCount> ReadKernelCounts(int counts_fd);

// Runs that the kernel left out and nothing made up for. Of a program with a second one ("x_again"
// for "x" and for each "y_x", bpf/lib/turn.h) nothing is lost that the second one did not miss too:
// its own count becomes 0. The sum over all programs.
std::uint64_t MissedForGood(std::vector<ProgramCost>& programs);

}  // namespace wirespan::kernel
