#include "gateway/sink/store/block_cache.h"

namespace wirespan::gateway::store {

std::shared_ptr<const BlockReader> BlockCache::Get(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = places_.find(number);
    if (known != places_.end()) {
      order_.splice(order_.begin(), order_, known->second);
      return known->second->second;
    }
  }
  auto file = disk_.Open(FileName(number, kBlockSuffix));
  if (!file) return nullptr;
  auto opened = BlockReader::Open(std::move(*file), number, book_);
  if (!opened) return nullptr;
  const std::lock_guard lock(mutex_);
  if (const auto other = places_.find(number); other != places_.end()) return other->second->second;
  order_.emplace_front(number, *opened);
  places_[number] = order_.begin();
  bytes_ += (*opened)->memory_bytes();
  Shrink();
  return *opened;
}

void BlockCache::Shrink() {
  while (order_.size() > kMaxOpen || (bytes_ > kMaxBytes && order_.size() > 1)) {
    bytes_ -= order_.back().second->memory_bytes();
    places_.erase(order_.back().first);
    order_.pop_back();
  }
}

void BlockCache::Forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(number);
  if (known == places_.end()) return;
  bytes_ -= known->second->second->memory_bytes();
  order_.erase(known->second);
  places_.erase(known);
}

std::size_t BlockCache::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace wirespan::gateway::store
