#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace wirespan::gateway {

// Something that waits for its peer.
class Waiting {
 public:
  virtual ~Waiting() = default;
  // It has waited too long. Once at most, on the thread of Patience; never if End came before.
  virtual void TooSlow() = 0;
};

// Ends what waits longer than `limit`, give or take an eighth: a peer that has gone without a word
// must not hold for hours what is kept ready for it. Thread-safe; its locks are split by object.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds limit);

  void Begin(const std::shared_ptr<Waiting>& one);
  // False: too late, TooSlow was or will be called.
  bool End(const Waiting& one);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Entry {
    std::weak_ptr<Waiting> one{};
    TimePoint since{};
  };
  struct Shard {
    std::mutex mutex;  // guards waiting
    std::unordered_map<const Waiting*, Entry> waiting;
  };

  Shard& ShardOf(const Waiting& one);
  void Look(TimePoint now);

  const std::chrono::milliseconds limit_;
  std::array<Shard, 8> shards_;
  std::jthread thread_;
};

}  // namespace wirespan::gateway
