#pragma once

#include <string>

namespace wirespan::kernel {

// Whether this kernel takes the CPU away from a task that is inside the kernel, and so inside one
// of our programs (PREEMPT, PREEMPT_LAZY, PREEMPT_RT). A kernel built with PREEMPT_DYNAMIC says
// which way it works in debugfs, or was told on its command line, or by the configuration in /boot.
// False where nothing tells before 7.0, which left the common architectures no other way. `root`:
// of the file system, for tests.
bool KernelPreempts(const std::string& root = "");

// Whether it does so inside of programs of tracepoints too: up to 6.19 tracepoints switch
// preemption off before they run anything.
bool TracepointsPreempt(const std::string& root = "");

}  // namespace wirespan::kernel
