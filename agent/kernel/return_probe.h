#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"

struct bpf_link;
struct bpf_program;

namespace wirespan::kernel {

// A program at the return of a kernel function (a kretprobe) that thousands of threads may be
// inside of at once. The kernel's own default is as many as there are CPUs: beyond that it misses
// returns, and a server whose threads wait in reads has more. Only tracefs takes another number.
class ReturnProbe {
 public:
  // kUnsupported: tracefs is not there or not ours to write, or the kernel has no such function to
  // hook. A probe of that kind that a killed process left behind is removed on the way.
  static Result<std::unique_ptr<ReturnProbe>> Attach(bpf_program* program,
                                                     const std::string& function);
  ~ReturnProbe();
  ReturnProbe(const ReturnProbe&) = delete;
  ReturnProbe& operator=(const ReturnProbe&) = delete;

 private:
  ReturnProbe(std::string event, bpf_link* link) : event_(std::move(event)), link_(link) {}

  std::string event_;  // group/name in tracefs
  bpf_link* link_;
};

}  // namespace wirespan::kernel
