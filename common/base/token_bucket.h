#pragma once

#include <algorithm>
#include <cstdint>

namespace wirespan {

// Lets `rate` through a second, `burst` at once, by the time its caller tells it
// (Clock::monotonic_ns). Starts full. One thread at a time.
class TokenBucket {
 public:
  TokenBucket(double rate_per_second, double burst)
      : rate_per_ns_(std::max(rate_per_second, 0.0) / 1e9), burst_(burst), tokens_(burst) {}

  // Takes n tokens, or none and returns false. Time that runs backwards counts as standing still.
  bool Take(std::uint64_t now_ns, double n = 1) {
    if (!started_) {
      started_ = true;
      last_ns_ = now_ns;
    } else if (now_ns > last_ns_) {
      tokens_ = std::min(burst_, tokens_ + static_cast<double>(now_ns - last_ns_) * rate_per_ns_);
      last_ns_ = now_ns;
    }
    if (tokens_ < n) return false;
    tokens_ -= n;
    return true;
  }

 private:
  double rate_per_ns_;
  double burst_;
  double tokens_;
  std::uint64_t last_ns_ = 0;
  bool started_ = false;
};

}  // namespace wirespan
