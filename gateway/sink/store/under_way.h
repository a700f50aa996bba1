#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>

#include "common/base/result.h"

namespace wirespan::gateway::store {

// Counts a sender's requests that wait for the store. Its end waits for their answers.
class UnderWay {
 public:
  using Done = std::function<void(Result<>)>;

  UnderWay() = default;
  UnderWay(const UnderWay&) = delete;
  ~UnderWay() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] { return count_ == 0; });
  }

  // One more, until what is returned has been called.
  Done Until(Done done) {
    const std::lock_guard lock(mutex_);
    ++count_;
    return [this, done = std::move(done)](Result<> written) {
      done(std::move(written));
      const std::lock_guard inner(mutex_);
      --count_;
      answered_.notify_all();
    };
  }

 private:
  std::mutex mutex_;  // guards count_
  std::condition_variable answered_;
  std::size_t count_ = 0;
};

}  // namespace wirespan::gateway::store
