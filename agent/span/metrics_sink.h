#pragma once

#include <cstdint>
#include <memory>

#include "agent/protocol/exchange.h"
#include "agent/span/facts.h"
#include "agent/span/span.h"

namespace wirespan::span {

// Names a series that counted an exchange, so that an exemplar can follow when its trace is known.
struct MetricRef {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // 0: none
};

// Where the exchanges go to be counted, before any sampling. agent/metric implements it.
class ExchangeMetrics {
 public:
  virtual ~ExchangeMetrics() = default;
  // Counts one exchange of the process behind `resource`. Never fails: beyond the bounds an
  // overflow series counts.
  virtual MetricRef Record(const std::shared_ptr<const Resource>& resource,
                           const ExchangeFacts& facts, const protocol::Exchange& exchange,
                           std::uint64_t monotonic_now_ns, std::uint64_t utc_now_ns) = 0;
  // That exchange has a span that was sent. Ignored if the series is gone.
  virtual void Exemplify(MetricRef ref, double value, std::uint64_t utc_ns, const TraceId& trace_id,
                         const SpanId& span_id) = 0;
};

}  // namespace wirespan::span
