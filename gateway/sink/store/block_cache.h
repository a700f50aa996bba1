#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "common/base/flat_map.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/block_reader.h"

namespace wirespan::gateway::store {

// Blocks that were read stay open with their page tables: so many at most, for each is a file
// descriptor, and so much memory. Searches go over all blocks in turn, so with one more than there
// is room for, the one used longest ago would always be the one that is wanted next: a random one
// makes room instead. Thread-safe.
class BlockCache {
 public:
  // Both outlive it.
  BlockCache(queue::Disk& disk, DamageBook& book) : disk_(disk), book_(book) {}

  // Null: it can't be opened, or is gone.
  std::shared_ptr<const BlockReader> Get(std::uint64_t number);
  void Forget(std::uint64_t number);
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t kMaxOpen = 1024;
  static constexpr std::size_t kMaxBytes = 32u << 20;
  using Reader = std::shared_ptr<const BlockReader>;

  void RemoveAt(std::size_t index);  // mutex_ held

  queue::Disk& disk_;
  DamageBook& book_;
  mutable std::mutex mutex_;  // guards all below
  std::vector<Reader> readers_{};
  FlatMap<std::uint64_t, std::size_t> places_{};  // in readers_, by number
  std::minstd_rand random_{};
  std::size_t bytes_ = 0;
};

}  // namespace wirespan::gateway::store
