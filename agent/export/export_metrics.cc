#include "agent/export/export_metrics.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace wirespan::exporting {
namespace {

using telemetry::Labels;

// All that Drop() is called with. They stand at zero from the start, so that the first loss is a
// step up that a rate shows, not a series that begins.
constexpr std::array<std::string_view, 7> kDropReasons{
    "shutdown", "too_large", "queue_full", "memory", "refused", "retries_exhausted", "disabled"};

std::string Unit(otlp::Signal signal) {
  return signal == otlp::Signal::kTraces ? "spans" : "points";
}
std::string Name(otlp::Signal signal, std::string_view before, std::string_view after) {
  return "wirespan_export_" + std::string(before) + Unit(signal) + std::string(after);
}
Labels SignalLabel(otlp::Signal signal) {
  return {{"signal", std::string(otlp::SignalName(signal))}};
}

telemetry::Counter& Result(telemetry::Registry& registry, const std::string& unit,
                           std::string_view result, std::string_view reason) {
  return registry.counter("wirespan_export_" + unit + "_total",
                          "What became of the " + unit + " taken over for export.",
                          {{"result", std::string(result)}, {"reason", std::string(reason)}});
}
telemetry::Gauge& Held(telemetry::Registry& registry, otlp::Signal signal, std::string_view where) {
  return registry.gauge(Name(signal, "held_", ""),
                        "Taken over for export and not yet decided, by where they are.",
                        {{"where", std::string(where)}});
}

}  // namespace

SignalMetrics::SignalMetrics(otlp::Signal signal, telemetry::Registry& registry)
    : accepted(registry.counter(Name(signal, "accepted_", "_total"), "Taken over for export.")),
      acknowledged(Result(registry, Unit(signal), "acknowledged", "")),
      rejected(Result(registry, Unit(signal), "rejected", "partial_success")),
      held_batch(Held(registry, signal, "batch")),
      held_queue(Held(registry, signal, "queue")),
      held_in_flight(Held(registry, signal, "in_flight")),
      retries(registry.counter("wirespan_export_retries_total", "Attempts that had to be repeated.",
                               SignalLabel(signal))),
      encoded_bytes(registry.counter("wirespan_export_encoded_bytes_total",
                                     "Requests before compression.", SignalLabel(signal))),
      sent_bytes(registry.counter("wirespan_export_sent_bytes_total",
                                  "Request bodies as sent, every attempt.", SignalLabel(signal))),
      queue_bytes(registry.gauge("wirespan_export_queue_bytes",
                                 "Encoded batches that wait or are being sent, before compression.",
                                 SignalLabel(signal))),
      queue_batches(registry.gauge("wirespan_export_queue_batches", "Batches that wait.",
                                   SignalLabel(signal))),
      queue_capacity_bytes(registry.gauge("wirespan_export_queue_capacity_bytes",
                                          "Bound of wirespan_export_queue_bytes.",
                                          SignalLabel(signal))),
      duration_seconds(registry.histogram(
          "wirespan_export_request_duration_seconds", "From sending a request to its answer.",
          {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, SignalLabel(signal))),
      registry_(registry),
      signal_(otlp::SignalName(signal)),
      unit_(Unit(signal)) {
  for (const std::string_view reason : kDropReasons) Result(registry_, unit_, "dropped", reason);
}

void SignalMetrics::Drop(std::string_view reason, std::size_t items) {
  assert(std::find(kDropReasons.begin(), kDropReasons.end(), reason) != kDropReasons.end());
  if (items > 0) Result(registry_, unit_, "dropped", reason).Add(items);
}

void SignalMetrics::Request(std::string_view code) {
  registry_
      .counter("wirespan_export_requests_total",
               "Attempts by their answer: gRPC code, HTTP status, or the failure.",
               {{"signal", signal_}, {"code", std::string(code)}})
      .Add();
}

}  // namespace wirespan::exporting
