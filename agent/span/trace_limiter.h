#pragma once

#include <cstdint>
#include <deque>

#include "agent/span/span.h"
#include "common/base/flat_map.h"
#include "common/base/token_bucket.h"

namespace wirespan::span {

// `traces.max_per_second`: at most so many traces begin in a second; a trace that was let in (or
// refused) stays so for as long as it is remembered (the last 16,384 traces), so that its spans
// share one fate. Pipeline thread only.
class TraceLimiter {
 public:
  explicit TraceLimiter(std::uint32_t max_per_second)
      : max_per_second_(max_per_second), bucket_(max_per_second, max_per_second) {}  // 0: no limit
  bool Keep(const TraceId& trace_id, std::uint64_t now_ns);

 private:
  static constexpr std::size_t kRemembered = 16384;
  std::uint32_t max_per_second_;
  TokenBucket bucket_;
  FlatMap<TraceId, bool> decided_;
  std::deque<TraceId> order_;
};

}  // namespace wirespan::span
