#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "gateway/pipeline/memory_budget.h"

namespace wirespan::gateway {

// Makes a ceiling of resident memory out of a budget of request bytes. A byte that was counted at
// the door costs more than a byte: allocators round up and keep what was freed, gRPC buffers what
// it reads and writes, an exporter holds a compressed copy. How much depends on the traffic, so it
// is not guessed but looked at: at each look the budget becomes what is held now plus half of what
// is missing to the target. What is promised to requests on their way is no part of what is held:
// it can't be seen in the process yet, and would be counted as room a second time. Whatever arrives
// until the next look may cost twice its size without passing the target, and the budget nears the
// target from below. A sixteenth of the room is never taken away: memory that an allocator will not
// give back must not stop the gateway for good.
//
// One thread.
class MemoryGovernor {
 public:
  // `most_bytes`: the budget never exceeds this, whatever memory there is.
  MemoryGovernor(std::shared_ptr<MemoryBudget> budget, std::uint64_t ceiling_bytes,
                 std::size_t most_bytes = std::numeric_limits<std::size_t>::max())
      : budget_(std::move(budget)), ceiling_(ceiling_bytes), most_(most_bytes) {}

  // `resident`: the process's memory now. True: much of it is neither counted nor needed; the
  // allocator should give back what it keeps.
  bool Look(std::uint64_t resident_bytes);

  void SetCeiling(std::uint64_t bytes) { ceiling_ = bytes; }
  std::uint64_t ceiling_bytes() const { return ceiling_; }
  // What Look steers to: below the ceiling, for what a look comes too late to see, and what
  // refused requests take that are never counted.
  std::uint64_t target_bytes() const { return ceiling_ - ceiling_ / 10; }

 private:
  static constexpr std::uint64_t kLeastShare = 16;

  const std::shared_ptr<MemoryBudget> budget_;
  std::uint64_t ceiling_;
  const std::size_t most_;
  std::uint64_t idle_ = 0;  // the least that was ever resident: the program itself
};

}  // namespace wirespan::gateway
