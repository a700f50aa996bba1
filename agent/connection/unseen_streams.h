#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace wirespan::connection {

// Numbers of streams whose requests were lost, as far as the numbers that followed tell. The oldest
// are forgotten.
class UnseenStreams {
 public:
  // All odd numbers between the two, odd ones (`after`: or 0). Returns how many.
  std::uint32_t Add(std::uint32_t after, std::uint32_t before) {
    const std::uint32_t count = after == 0 ? before / 2 : (before - after) / 2 - 1;
    if (count != 0) ranges_[next_++ % ranges_.size()] = {after, before};
    return count;
  }
  bool Contains(std::uint32_t id) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [id](const Range& range) { return id > range.after && id < range.before; });
  }

 private:
  struct Range {
    std::uint32_t after = 0;
    std::uint32_t before = 0;
  };
  std::array<Range, 8> ranges_{};
  std::size_t next_ = 0;
};

}  // namespace wirespan::connection
