#include "agent/span/clock_offset.h"

#include <limits>

namespace wirespan::span {
namespace {

constexpr std::uint64_t kInterval = 10'000'000'000;
constexpr std::int64_t kStep = 1'000'000;
constexpr std::size_t kHistory = 64;  // ten minutes without steps

}  // namespace

ClockOffset::ClockOffset(const Clock& clock) : clock_(clock) {
  measured_ns_ = clock_.monotonic_ns();
  history_.push_back({0, Measure()});
}

// The wall clock read between two readings of the other; the narrowest of five pairs has the
// smallest error.
std::int64_t ClockOffset::Measure() const {
  std::uint64_t best_width = std::numeric_limits<std::uint64_t>::max();
  std::int64_t best = 0;
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = clock_.monotonic_ns();
    const std::uint64_t wall = clock_.realtime_ns();
    const std::uint64_t after = clock_.monotonic_ns();
    if (after - before >= best_width) continue;
    best_width = after - before;
    best = static_cast<std::int64_t>(wall - (before + best_width / 2));
  }
  return best;
}

bool ClockOffset::Tick() {
  const std::uint64_t now = clock_.monotonic_ns();
  const std::int64_t offset = Measure();
  const std::int64_t moved = offset - history_.back().offset_ns;
  const bool step = moved > kStep || moved < -kStep;
  if (!step && now - measured_ns_ < kInterval) return false;
  if (step) ++steps_;
  measured_ns_ = now;
  if (moved == 0) return false;
  history_.push_back({now, offset});
  if (history_.size() > kHistory) history_.pop_front();
  return true;
}

std::int64_t ClockOffset::At(std::uint64_t monotonic_ns) const {
  for (auto entry = history_.rbegin(); entry != history_.rend(); ++entry) {
    if (monotonic_ns >= entry->from_ns) return entry->offset_ns;
  }
  return history_.front().offset_ns;
}

}  // namespace wirespan::span
