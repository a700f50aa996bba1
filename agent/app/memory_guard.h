#pragma once

#include <cstdint>
#include <functional>

#include "agent/connection/pressure.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Watches this process's private memory (the mapped rings are the kernel's) against memory.limit,
// and says what must go so that it holds. Beside it every table has a bound of its own; this is for
// what those together may reach. One thread.
//
//   share of the limit   level   what is shed
//   below 80 %           kNone   nothing
//   80 %                 kNear   new connections are not followed; of the export queue what is
//                                more than a quarter of its bound or an eighth of the limit
//   95 %                 kOver   all data events, all of the queue that is not being sent, links
//                                that wait, and a sixteenth of the connections at each look
//
// A level ends 5 % below where it begins.
class MemoryGuard {
 public:
  // `used`: bytes now; PrivateMemory outside of tests. `trim`: gives what was freed back to the
  // kernel; called while memory is near its limit, at most once a second.
  MemoryGuard(std::uint64_t limit_bytes, std::function<std::uint64_t()> used,
              std::function<void()> trim, telemetry::Registry& registry);

  // About every 50 ms. Reads some microseconds of /proc.
  connection::Pressure Look(std::uint64_t now_ns);

 private:
  std::uint64_t limit_;
  std::function<std::uint64_t()> used_;
  std::function<void()> trim_;
  telemetry::Gauge& used_gauge_;
  telemetry::Gauge& level_gauge_;
  telemetry::Counter& near_;
  telemetry::Counter& over_;
  connection::Pressure level_ = connection::Pressure::kNone;
  std::uint64_t trimmed_ns_ = 0;
};

// Resident memory of this process that nobody shares, in bytes; 0 if it cannot be read.
std::uint64_t PrivateMemory();

}  // namespace wirespan::app
