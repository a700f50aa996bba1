#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "common/queue/disk.h"
#include "gateway/sink/store/block_reader.h"

namespace wirespan::gateway::store {

// Blocks that were read lately stay open with their page tables: so many at most, for each is a
// file descriptor, and so much memory. Thread-safe.
class BlockCache {
 public:
  // Both outlive it.
  BlockCache(queue::Disk& disk, DamageBook& book) : disk_(disk), book_(book) {}

  // Null: it can't be opened, or is gone.
  std::shared_ptr<const BlockReader> Get(std::uint64_t number);
  void Forget(std::uint64_t number);
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t kMaxOpen = 256;
  static constexpr std::size_t kMaxBytes = 32u << 20;
  using Reader = std::shared_ptr<const BlockReader>;
  using Order = std::list<std::pair<std::uint64_t, Reader>>;

  void Shrink();  // mutex_ held

  queue::Disk& disk_;
  DamageBook& book_;
  mutable std::mutex mutex_;  // guards all below
  Order order_{};             // what was used last is in front
  std::map<std::uint64_t, Order::iterator> places_{};
  std::size_t bytes_ = 0;
};

}  // namespace wirespan::gateway::store
