#include "gateway/pipeline/memory_governor.h"

#include <algorithm>

namespace wirespan::gateway {

bool MemoryGovernor::Look(std::uint64_t resident_bytes) {
  const std::uint64_t promised = budget_->promised_bytes();
  const std::uint64_t used = budget_->used_bytes();  // a promise may have ended meanwhile
  const std::uint64_t held = used > promised ? used - promised : 0;
  const std::uint64_t target = target_bytes();
  if (idle_ == 0 || resident_bytes < idle_) idle_ = resident_bytes;
  const std::uint64_t room = target > idle_ ? target - idle_ : 0;
  std::uint64_t limit = 0;
  if (resident_bytes < target) {
    limit = held + (target - resident_bytes) / 2;
  } else {
    const std::uint64_t excess = resident_bytes - target;
    limit = held > excess ? held - excess : 0;
  }
  limit = std::max(limit, room / kLeastShare);
  budget_->SetLimit(static_cast<std::size_t>(std::min<std::uint64_t>(limit, most_)));
  const std::uint64_t kept = resident_bytes - idle_;  // more than the program needs at rest
  if (resident_bytes > target) return kept > held + held / 8;
  const bool near = resident_bytes + room / 4 > target;
  return near && kept > held + held / 2;
}

}  // namespace wirespan::gateway
