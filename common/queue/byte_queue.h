#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace wirespan::queue {

// First in, first out, bounded by bytes. What is taken out to be sent counts as held until it is
// released, so that the bound covers everything. Full: the oldest that still waits is given back to
// be dropped and counted. Not thread-safe: its owner's mutex guards it.
template <class T>
class ByteQueue {
 public:
  explicit ByteQueue(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes the item and returns those that had to go for it, oldest first; the item itself if it
  // does not fit even so.
  [[nodiscard]] std::vector<T> Push(T item, std::size_t bytes) {
    std::vector<T> dropped;
    if (bytes > max_bytes_ - std::min(in_flight_bytes_, max_bytes_)) {
      dropped.push_back(std::move(item));
      return dropped;
    }
    while (held_bytes() + bytes > max_bytes_) {
      waiting_bytes_ -= waiting_.front().second;
      dropped.push_back(std::move(waiting_.front().first));
      waiting_.pop_front();
    }
    waiting_.emplace_back(std::move(item), bytes);
    waiting_bytes_ += bytes;
    return dropped;
  }

  // Gives back the oldest that wait until at most `bytes` do.
  [[nodiscard]] std::vector<T> Shed(std::size_t bytes) {
    std::vector<T> dropped;
    while (waiting_bytes_ > bytes) {
      waiting_bytes_ -= waiting_.front().second;
      dropped.push_back(std::move(waiting_.front().first));
      waiting_.pop_front();
    }
    return dropped;
  }

  // The oldest, to be sent; Release(its bytes) follows when it is acknowledged or dropped.
  std::optional<std::pair<T, std::size_t>> Pop() {
    if (waiting_.empty()) return std::nullopt;
    std::pair<T, std::size_t> front = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= front.second;
    in_flight_bytes_ += front.second;
    return front;
  }
  void Release(std::size_t bytes) { in_flight_bytes_ -= bytes; }

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  std::size_t held_bytes() const { return waiting_bytes_ + in_flight_bytes_; }
  std::size_t max_bytes() const { return max_bytes_; }

 private:
  std::size_t max_bytes_;
  std::size_t waiting_bytes_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::deque<std::pair<T, std::size_t>> waiting_{};
};

}  // namespace wirespan::queue
