#include "common/base/clock.h"

#include <ctime>

namespace wirespan {
namespace {

std::uint64_t Read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

class RealClock final : public Clock {
 public:
  std::uint64_t monotonic_ns() const override { return Read(CLOCK_MONOTONIC); }
  std::uint64_t realtime_ns() const override { return Read(CLOCK_REALTIME); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace wirespan
