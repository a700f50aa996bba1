#pragma once

#include <cstdint>
#include <deque>

#include "common/base/clock.h"

namespace wirespan::span {

// From the kernel's monotonic stamps to UTC. The offset is measured every 10 s, and whenever a look
// at both clocks (each Tick) shows a step of more than a millisecond. Old offsets are kept, so that
// what began before a step keeps the time that the machine showed then.
//
// One offset serves a whole exchange, so no duration is ever touched by a step; and the spans of
// one trace take the offset of the trace's first exchange seen here (ParentLinks hands it down), so
// a trace has no jump inside. Pipeline thread only.
class ClockOffset {
 public:
  explicit ClockOffset(const Clock& clock);

  // True if a new offset was taken.
  bool Tick();

  // UTC minus monotonic, as it held at that monotonic time.
  std::int64_t At(std::uint64_t monotonic_ns) const;
  std::uint64_t steps() const { return steps_; }  // of more than a millisecond, since start

 private:
  struct Entry {
    std::uint64_t from_ns = 0;  // monotonic
    std::int64_t offset_ns = 0;
  };
  std::int64_t Measure() const;

  const Clock& clock_;
  std::deque<Entry> history_;  // by time; the last holds now; at most kHistory
  std::uint64_t measured_ns_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace wirespan::span
