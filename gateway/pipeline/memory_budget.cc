#include "gateway/pipeline/memory_budget.h"

namespace wirespan::gateway {

std::shared_ptr<const void> MemoryBudget::Lease(std::size_t bytes) {
  std::size_t used = used_.load(std::memory_order_relaxed);
  do {
    const std::size_t limit = limit_bytes();
    if (bytes > limit || used > limit - bytes) return nullptr;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  // The pointer says "held"; what it points at is never read.
  return {this, [self = shared_from_this(), bytes](const void*) { self->Release(bytes); }};
}

}  // namespace wirespan::gateway
