#include "gateway/pipeline/memory_budget.h"

namespace wirespan::gateway {

bool MemoryBudget::Take(std::size_t bytes) {
  std::size_t used = used_.load(std::memory_order_relaxed);
  do {
    const std::size_t limit = limit_bytes();
    if (bytes > limit || used > limit - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

// The pointers say "held"; what they point at is never read.
std::shared_ptr<const void> MemoryBudget::Lease(std::size_t bytes) {
  if (!Take(bytes)) return nullptr;
  return {this, [self = shared_from_this(), bytes](const void*) { self->Release(bytes); }};
}

std::shared_ptr<const void> MemoryBudget::Promise(std::size_t bytes) {
  if (!Take(bytes)) return nullptr;
  promised_.fetch_add(bytes, std::memory_order_relaxed);
  return {this, [self = shared_from_this(), bytes](const void*) {
            self->promised_.fetch_sub(bytes, std::memory_order_relaxed);
            self->Release(bytes);
          }};
}

}  // namespace wirespan::gateway
