#include "gateway/sink/store/block_cache.h"

#include <utility>

namespace wirespan::gateway::store {

std::shared_ptr<const BlockReader> BlockCache::Get(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = places_.find(number);
    if (known != places_.end()) return readers_[known->second];
  }
  auto file = disk_.Open(FileName(number, kBlockSuffix));
  if (!file) return nullptr;
  auto opened = BlockReader::Open(std::move(*file), number, book_);
  if (!opened) return nullptr;
  const std::size_t bytes = (*opened)->memory_bytes();
  const std::lock_guard lock(mutex_);
  if (const auto other = places_.find(number); other != places_.end()) {
    return readers_[other->second];
  }
  while (!readers_.empty() && (readers_.size() >= kMaxOpen || bytes_ + bytes > kMaxBytes)) {
    RemoveAt(random_() % readers_.size());
  }
  places_[number] = readers_.size();
  readers_.push_back(*opened);
  bytes_ += bytes;
  return *opened;
}

// The last one takes the place.
void BlockCache::RemoveAt(std::size_t index) {
  bytes_ -= readers_[index]->memory_bytes();
  places_.erase(readers_[index]->info().number);
  if (index + 1 != readers_.size()) {
    readers_[index] = std::move(readers_.back());
    places_[readers_[index]->info().number] = index;
  }
  readers_.pop_back();
}

void BlockCache::Forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(number);
  if (known != places_.end()) RemoveAt(known->second);
}

std::size_t BlockCache::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace wirespan::gateway::store
