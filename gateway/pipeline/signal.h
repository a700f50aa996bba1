#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "common/otlp/signal.h"

namespace wirespan::gateway {

using otlp::Signal;

inline constexpr std::array kSignals = {Signal::kTraces, Signal::kMetrics, Signal::kLogs,
                                        Signal::kProfiles};

constexpr std::size_t IndexOf(Signal signal) { return static_cast<std::size_t>(signal); }

// How the Collector's metrics call the items of a signal: otelcol_exporter_sent_<items>_total.
constexpr std::string_view ItemsName(Signal signal) {
  constexpr std::array<std::string_view, kSignals.size()> kNames = {
      "spans", "metric_points", "log_records", "profile_samples"};
  return kNames[IndexOf(signal)];
}

constexpr std::optional<Signal> SignalByName(std::string_view name) {
  for (const Signal signal : kSignals) {
    if (otlp::SignalName(signal) == name) return signal;
  }
  return std::nullopt;
}
constexpr std::optional<Signal> SignalByGrpcMethod(std::string_view method) {
  for (const Signal signal : kSignals) {
    if (otlp::GrpcMethod(signal) == method) return signal;
  }
  return std::nullopt;
}

}  // namespace wirespan::gateway
