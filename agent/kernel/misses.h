#pragma once

#include <string>
#include <string_view>

#include "agent/kernel/event_source.h"

namespace wirespan::kernel {

// What a backend that runs may miss on this kernel. Kernels that preempt programs keep one that
// lost its CPU from the other tasks of that CPU; a second program for each hook makes that rare,
// not impossible (docs/decisions/0008).
struct Misses {
  std::string why{};  // a sentence without a full stop; empty: nothing that is known of
  bool rarely = false;
};

Misses WhatItMisses(std::string_view backend, const SourceStatus& status);

}  // namespace wirespan::kernel
