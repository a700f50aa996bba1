#pragma once

#include <cstdint>
#include <string_view>

namespace wirespan::otlp {

// Profiles are in development upstream: they pass through, and nothing but their number is looked
// at.
enum class Signal : std::uint8_t { kTraces, kMetrics, kLogs, kProfiles };

constexpr std::string_view SignalName(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "traces";
    case Signal::kMetrics:
      return "metrics";
    case Signal::kLogs:
      return "logs";
    case Signal::kProfiles:
      return "profiles";
  }
  return "";
}

// The path of OTLP/HTTP below the base URL, and the method of OTLP/gRPC.
constexpr std::string_view HttpPath(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "/v1/traces";
    case Signal::kMetrics:
      return "/v1/metrics";
    case Signal::kLogs:
      return "/v1/logs";
    case Signal::kProfiles:
      return "/v1development/profiles";
  }
  return "";
}
constexpr std::string_view GrpcMethod(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    case Signal::kMetrics:
      return "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    case Signal::kLogs:
      return "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    case Signal::kProfiles:
      return "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
  }
  return "";
}

}  // namespace wirespan::otlp
