#pragma once

#include <vector>

#include "agent/kernel/event_source.h"

namespace wirespan::kernel {

// The per-CPU counters of bpf/abi/counter.h, summed over the CPUs, with the names that the ledger
// uses (docs/ledger.md): seen = captured + ignored{reason} + dropped{reason}, in calls and bytes;
// noted{reason} are remarks; records count what was written into the rings, dropped records are
// dropped{record_lost}.
std::vector<KernelCount> ReadKernelCounts(int counts_fd);

}  // namespace wirespan::kernel
