#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/filter.h"
#include "agent/process/go_build_info.h"
#include "agent/process/procfs.h"

// Does a process report spans of its own? Then ours would say everything twice, and it gets metrics
// alone.
namespace wirespan::process {

enum class TraceMode : std::uint8_t { kAuto, kAlways, kNever };

struct TraceRule {
  ProcessMatch match{};
  TraceMode mode = TraceMode::kAuto;
};

struct TraceConfig {
  TraceMode mode = TraceMode::kAuto;  // where no rule matches
  std::vector<TraceRule> rules{};     // the first that matches
};

enum class TraceReason : std::uint8_t {
  kNotInstrumented,  // spans
  kConfigAlways,     // spans
  kSdkDisabled,      // spans: it has an SDK and switched its traces off
  kConfigNever,      // the rest: no spans
  kEnvironment,      // OTEL_* variables that configure an exporter
  kCommandLine,      // a Java agent, opentelemetry-instrument, a preloaded module
  kLibrary,          // an OpenTelemetry library is mapped or open
  kGoModules,        // a Go program built with the SDK and an exporter of traces
  kOutboundContext,  // it sent a span id that no request had brought
  kExported,         // it was seen to export telemetry
};

struct TraceDecision {
  bool spans = true;
  TraceReason reason = TraceReason::kNotInstrumented;
  std::string evidence{};  // variable's name, library's file name, module: never a value
};

std::string DescribeTraceDecision(const TraceDecision& decision);
TraceMode ModeFor(const TraceConfig& config, const ProcessInfo& process);

// The parts, pure. Each answers kNotInstrumented where it has nothing to say.
TraceDecision DecideByEnvironment(const Variables& otel);
TraceDecision DecideByCommandLine(const std::vector<std::string>& arguments);
// A mapped or open file: SDKs and agents, not the API alone, which reports nothing.
bool IsOpenTelemetrySdkFile(std::string_view path);
bool IsInstrumentedGo(const GoBuildInfo& info);

// All of them for a living process, cheapest first. Reads maps, descriptors, and the program's Go
// section; what can't be read gives no evidence.
TraceDecision DecideTraces(const TraceConfig& config, const ProcessInfo& process,
                           const ProcessFolder& folder);

}  // namespace wirespan::process
