#pragma once

#include <cstdint>

namespace wirespan {

// Time is passed in, so that a test moves the clock instead of sleeping. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since boot, not counting suspend: CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns.
  virtual std::uint64_t monotonic_ns() const = 0;
  // Nanoseconds since 1970 UTC: CLOCK_REALTIME. May jump.
  virtual std::uint64_t realtime_ns() const = 0;
};

// The machine's own clocks; lives as long as the process.
const Clock& SystemClock();

}  // namespace wirespan
