#include "common/retry/backoff.h"

#include <algorithm>
#include <cmath>

namespace wirespan::retry {

std::chrono::milliseconds Backoff::Next(std::uint64_t now_ns, std::chrono::milliseconds at_least) {
  using std::chrono::milliseconds;
  if (failures_ == 0) first_failure_ns_ = now_ns;
  const double doubled =
      static_cast<double>(options_.initial.count()) * std::exp2(std::min(failures_, 60));
  const double base = std::min(doubled, static_cast<double>(options_.max.count()));
  ++failures_;
  const auto spread = milliseconds(std::llround(base * (0.5 + Random())));
  const milliseconds delay = std::max(spread, at_least);
  const auto elapsed = std::chrono::duration_cast<milliseconds>(
      std::chrono::nanoseconds(now_ns > first_failure_ns_ ? now_ns - first_failure_ns_ : 0));
  if (options_.max_elapsed.count() > 0 && elapsed + delay > options_.max_elapsed)
    return milliseconds(-1);
  return delay;
}

void Backoff::Reset() {
  failures_ = 0;
  first_failure_ns_ = 0;
}

double Backoff::Random() {
  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

}  // namespace wirespan::retry
