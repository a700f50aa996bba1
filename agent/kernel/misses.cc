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

std::string Sentence(std::string_view how, std::string_view help) {
  return fmt::format(
      "this kernel preempts its programs, so {} missed on a busy machine (counted as missed and "
      "nested); {}",
      how, help);
}

}  // namespace

std::string WhyItMisses(std::string_view backend, const SourceStatus& status) {
  static constexpr std::string_view kOther = "kprobe misses none";
  const bool twice = HasProgram(status, "_again");
  const std::string_view how = twice ? "a few calls may be" : "some calls are";
  if (backend == "socktrace" && TracepointsPreempt()) return Sentence(how, kOther);
  if (backend == "fentry" && KernelPreempts()) return Sentence(how, kOther);
  if (backend == "syscall" && TracepointsPreempt() && !HasProgram(status, "_held"))
    return Sentence(how, "mount tracefs at /sys/kernel/tracing");
  return {};
}

}  // namespace wirespan::kernel
