#include "agent/span/trace_limiter.h"

namespace wirespan::span {

bool TraceLimiter::Keep(const TraceId& trace_id, std::uint64_t now_ns) {
  if (max_per_second_ == 0) return true;
  if (const auto known = decided_.find(trace_id); known != decided_.end()) return known->second;
  const bool keep = bucket_.Take(now_ns);
  if (order_.size() >= kRemembered) {
    decided_.erase(order_.front());
    order_.pop_front();
  }
  decided_.emplace(trace_id, keep);
  order_.push_back(trace_id);
  return keep;
}

}  // namespace wirespan::span
