#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace wirespan::gateway {

// The bytes of requests that the process holds, from the door to the last exporter, against one
// limit. A lease counts as long as any batch made from the request lives. The limit may change at
// any time, below what is used too: then nothing is admitted until enough has left. Thread-safe;
// leases keep the budget alive.
class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  static std::shared_ptr<MemoryBudget> Create(std::size_t limit_bytes) {
    return std::shared_ptr<MemoryBudget>(new MemoryBudget(limit_bytes));
  }

  // Null: over the ceiling, the request is to be refused with "retry".
  std::shared_ptr<const void> Lease(std::size_t bytes);
  // The same for bytes that are still to come, of a request that is being received: the memory that
  // they will need can't be seen in the process yet.
  std::shared_ptr<const void> Promise(std::size_t bytes);
  std::size_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  // Of those used.
  std::size_t promised_bytes() const { return promised_.load(std::memory_order_relaxed); }
  std::size_t limit_bytes() const { return limit_.load(std::memory_order_relaxed); }
  void SetLimit(std::size_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }

 private:
  explicit MemoryBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}
  bool Take(std::size_t bytes);
  void Release(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> promised_{0};
  std::atomic<std::size_t> limit_;
};

}  // namespace wirespan::gateway
