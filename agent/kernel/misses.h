#pragma once

#include <string>
#include <string_view>

#include "agent/kernel/event_source.h"

namespace wirespan::kernel {

// Why a backend that runs may miss calls on this kernel, as a sentence without a full stop; empty:
// it misses none that is known of. Kernels that preempt programs keep one that lost its CPU from
// the other tasks of that CPU; a second program for each hook makes that rare, not impossible
// (docs/decisions/0008).
std::string WhyItMisses(std::string_view backend, const SourceStatus& status);

}  // namespace wirespan::kernel
