#include "gateway/ingest/patience.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <vector>

namespace wirespan::gateway {

Patience::Patience(std::chrono::milliseconds limit) : limit_(limit) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    const auto interval = std::max(limit_ / 8, std::chrono::milliseconds(1));
    std::mutex asleep;
    std::condition_variable_any ends;
    std::unique_lock lock(asleep);
    while (!ends.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
      Look(std::chrono::steady_clock::now());
    }
  });
}

// Addresses of one size of allocation differ above their lowest bits.
Patience::Shard& Patience::ShardOf(const Waiting& one) {
  return shards_[(reinterpret_cast<std::uintptr_t>(&one) >> 9) % shards_.size()];
}

void Patience::Begin(const std::shared_ptr<Waiting>& one) {
  Shard& shard = ShardOf(*one);
  const Entry entry{.one = one, .since = std::chrono::steady_clock::now()};
  const std::lock_guard lock(shard.mutex);
  shard.waiting.insert_or_assign(one.get(), entry);
}

bool Patience::End(const Waiting& one) {
  Shard& shard = ShardOf(one);
  const std::lock_guard lock(shard.mutex);
  return shard.waiting.erase(&one) == 1;
}

void Patience::Look(TimePoint now) {
  std::vector<std::shared_ptr<Waiting>> late;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto entry = shard.waiting.begin(); entry != shard.waiting.end();) {
      if (now - entry->second.since < limit_) {
        ++entry;
        continue;
      }
      if (auto one = entry->second.one.lock()) late.push_back(std::move(one));
      entry = shard.waiting.erase(entry);
    }
  }
  for (const auto& one : late) one->TooSlow();  // which may call us
}

}  // namespace wirespan::gateway
