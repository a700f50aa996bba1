#pragma once

#include <atomic>

#include "common/base/clock.h"

namespace wirespan::testing {

// Stands still until moved. Thread-safe.
class FakeClock final : public Clock {
 public:
  std::uint64_t monotonic_ns() const override { return monotonic_; }
  std::uint64_t realtime_ns() const override { return realtime_; }
  void Advance(std::uint64_t ns) {
    monotonic_ += ns;
    realtime_ += ns;
  }
  // A step of the wall clock alone.
  void StepRealtime(std::int64_t ns) { realtime_ += static_cast<std::uint64_t>(ns); }

 private:
  std::atomic<std::uint64_t> monotonic_{1'000'000'000'000};
  std::atomic<std::uint64_t> realtime_{1'700'000'000'000'000'000};
};

}  // namespace wirespan::testing
