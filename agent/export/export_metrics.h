#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/otlp/signal.h"
#include "common/telemetry/metrics.h"

namespace wirespan::exporting {

// The export stage's part of the ledger, for one signal; docs/ledger.md has the words. In spans or
// data points:
//
//   accepted = acknowledged + rejected + dropped{reason} + held{batch} + held{queue} +
//   held{in_flight}
class SignalMetrics {
 public:
  SignalMetrics(otlp::Signal signal, telemetry::Registry& registry);

  telemetry::Counter& accepted;
  telemetry::Counter& acknowledged;
  telemetry::Counter& rejected;  // by a partial success
  telemetry::Gauge& held_batch;
  telemetry::Gauge& held_queue;
  telemetry::Gauge& held_in_flight;
  void Drop(std::string_view reason, std::size_t items);

  // Requests.
  telemetry::Counter& retries;
  telemetry::Counter& encoded_bytes;  // before compression
  telemetry::Counter& sent_bytes;     // bodies as sent, each attempt
  telemetry::Gauge& queue_bytes;
  telemetry::Gauge& queue_batches;
  telemetry::Gauge& queue_capacity_bytes;
  telemetry::Histogram& duration_seconds;
  void Request(std::string_view code);

 private:
  telemetry::Registry& registry_;
  const std::string signal_;
  const std::string unit_;
};

}  // namespace wirespan::exporting
