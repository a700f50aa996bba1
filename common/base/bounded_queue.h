#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace wirespan {

// Messages between threads: many producers, many consumers, a fixed number of places. Thread-safe.
// After Close() nothing goes in; what is in it still comes out.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // False: full or closed, and `item` is untouched.
  bool TryPush(T&& item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return true;
  }
  bool TryPush(const T& item) {
    T copy(item);
    return TryPush(std::move(copy));
  }

  // Waits for room. False: closed, or no room in time, and `item` is untouched.
  template <class Rep, class Period>
  bool PushFor(T&& item, std::chrono::duration<Rep, Period> timeout) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait_for(lock, timeout, [&] { return closed_ || items_.size() < capacity_; });
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return true;
  }

  // Always takes the item; gives back what had to leave for it: the oldest, or, when closed, the
  // item itself.
  std::optional<T> PushDropOldest(T item) {
    std::optional<T> dropped;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return std::optional<T>(std::move(item));
      if (items_.size() >= capacity_) {
        dropped.emplace(std::move(items_.front()));
        items_.pop_front();
      }
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return dropped;
  }

  std::optional<T> TryPop() { return PopFor(std::chrono::seconds(0)); }

  // nullopt: nothing came in time, or closed and empty (see finished()).
  template <class Rep, class Period>
  std::optional<T> PopFor(std::chrono::duration<Rep, Period> timeout) {
    std::optional<T> item;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
      if (items_.empty()) return std::nullopt;
      item.emplace(std::move(items_.front()));
      items_.pop_front();
    }
    not_full_.notify_one();
    return item;
  }

  // Waits for the first item, then takes what is there, at most `max`.
  template <class Rep, class Period>
  std::vector<T> PopSomeFor(std::size_t max, std::chrono::duration<Rep, Period> timeout) {
    std::vector<T> out;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
      while (!items_.empty() && out.size() < max) {
        out.push_back(std::move(items_.front()));
        items_.pop_front();
      }
    }
    not_full_.notify_all();
    return out;
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  // Closed and empty: nothing will ever come out again.
  bool finished() const {
    const std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards items_ and closed_
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace wirespan
