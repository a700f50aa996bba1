#include "agent/kernel/misses.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/kernel/preemption.h"

namespace wirespan::kernel {
namespace {

bool HasProgram(const SourceStatus& status, std::string_view ending) {
  return std::ranges::any_of(status.programs, [ending](const ProgramCost& cost) {
    return cost.program.ends_with(ending);
  });
}

Misses Because(bool rarely, std::string_view help) {
  return {fmt::format("this kernel preempts its programs, so {} missed on a busy machine (counted "
                      "as missed and nested); {}",
                      rarely ? "a few calls may be" : "some calls are", help),
          rarely};
}

}  // namespace

Misses WhatItMisses(std::string_view backend, const SourceStatus& status) {
  const bool twice = HasProgram(status, "_again");
  if ((backend == "socktrace" && TracepointsPreempt()) || (backend == "fentry" && KernelPreempts()))
    return Because(twice, "kprobe misses none");
  if (backend == "syscall" && TracepointsPreempt() && !HasProgram(status, "_held"))
    return Because(false, "mount tracefs at /sys/kernel/tracing");
  return {};
}

}  // namespace wirespan::kernel
