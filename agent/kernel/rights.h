#pragma once

#include <string>

#include "common/base/result.h"

namespace wirespan::kernel {

struct Rights {
  bool root = false;
  bool bpf = false;      // CAP_BPF or CAP_SYS_ADMIN
  bool perfmon = false;  // CAP_PERFMON or CAP_SYS_ADMIN
};

// Of this process, effective.
Rights OwnRights();

// What no backend can do without: rights and BTF, in that order, one sentence.
Result<> CheckGround();

// The kernel's lockdown ("none [integrity] confidentiality": the word in brackets); empty: it has
// none.
std::string Lockdown();

}  // namespace wirespan::kernel
