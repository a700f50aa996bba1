#include "agent/process/instrumented.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxDescriptors = 512;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return out;
}

TraceDecision Instrumented(TraceReason reason, std::string_view evidence) {
  return {.spans = false, .reason = reason, .evidence = SaneText(evidence, 128)};
}

bool IsTrue(std::string_view value) { return Lower(value) == "true"; }

std::optional<TraceDecision> DecideByFiles(const ProcessFolder& folder) {
  std::optional<TraceDecision> found;
  const auto look = [&](std::string_view path) {
    if (IsOpenTelemetrySdkFile(path)) found = Instrumented(TraceReason::kLibrary, BaseName(path));
    return !found;
  };
  (void)folder.MappedFiles(look);
  // Java reads jars without mapping them, but keeps them open.
  if (!found) (void)folder.OpenFiles(kMaxDescriptors, look);
  return found;
}

std::optional<TraceDecision> DecideByProgram(const ProcessFolder& folder) {
  const auto file = folder.OpenExecutable();
  if (!file) return std::nullopt;
  const auto info = ReadGoBuildInfo([&](std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = ::pread(file->get(), bytes.data(), size, static_cast<off_t>(offset));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  });
  if (!info || !IsInstrumentedGo(*info)) return std::nullopt;
  return Instrumented(TraceReason::kGoModules, "go.opentelemetry.io/otel/sdk");
}

}  // namespace

std::string DescribeTraceDecision(const TraceDecision& decision) {
  switch (decision.reason) {
    case TraceReason::kNotInstrumented:
      return "spans: no OpenTelemetry SDK was found in it";
    case TraceReason::kConfigAlways:
      return "spans: the configuration says always";
    case TraceReason::kSdkDisabled:
      return fmt::format("spans: its OpenTelemetry SDK is switched off ({})", decision.evidence);
    case TraceReason::kConfigNever:
      return "metrics only: the configuration says never";
    case TraceReason::kEnvironment:
      return fmt::format("metrics only: {} configures an OpenTelemetry SDK", decision.evidence);
    case TraceReason::kCommandLine:
      return fmt::format("metrics only: its command line starts OpenTelemetry ({})",
                         decision.evidence);
    case TraceReason::kLibrary:
      return fmt::format("metrics only: it uses {}", decision.evidence);
    case TraceReason::kGoModules:
      return fmt::format("metrics only: it was built with {}", decision.evidence);
    case TraceReason::kOutboundContext:
      return "metrics only: it sends span ids of its own";
    case TraceReason::kExported:
      return "metrics only: it was seen to export telemetry";
  }
  return {};
}

TraceMode ModeFor(const TraceConfig& config, const ProcessInfo& process) {
  for (const TraceRule& rule : config.rules) {
    if (Matches(rule.match, process)) return rule.mode;
  }
  return config.mode;
}

TraceDecision DecideByEnvironment(const Variables& otel) {
  if (IsTrue(FindVariable(otel, "OTEL_SDK_DISABLED")))
    return {true, TraceReason::kSdkDisabled, "OTEL_SDK_DISABLED"};
  if (Lower(FindVariable(otel, "OTEL_TRACES_EXPORTER")) == "none")
    return {true, TraceReason::kSdkDisabled, "OTEL_TRACES_EXPORTER"};
  for (const auto& [name, value] : otel) {
    // Exporters of metrics and logs say nothing about spans.
    const bool exporter =
        (name.starts_with("OTEL_EXPORTER_") && name.find("_METRICS_") == std::string::npos &&
         name.find("_LOGS_") == std::string::npos &&
         !name.starts_with("OTEL_EXPORTER_PROMETHEUS_")) ||
        name == "OTEL_TRACES_EXPORTER" || name == "OTEL_CONFIG_FILE" ||
        name == "OTEL_EXPERIMENTAL_CONFIG_FILE";
    if (exporter && !value.empty()) return Instrumented(TraceReason::kEnvironment, name);
  }
  return {};
}

TraceDecision DecideByCommandLine(const std::vector<std::string>& arguments) {
  bool value_of_preload = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string word = Lower(arguments[i]);
    // Switched off in words beats what comes with it.
    if (word == "-dotel.javaagent.enabled=false" || word == "-dotel.sdk.disabled=true" ||
        word == "-dotel.traces.exporter=none")
      return {true, TraceReason::kSdkDisabled, SaneText(word.substr(2, 64))};
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string word = Lower(arguments[i]);
    const bool names_it = word.find("opentelemetry") != std::string::npos;
    if (word.starts_with("-javaagent:")) {
      const std::string file = word.substr(
          11, word.find('=') == std::string::npos ? std::string::npos : word.find('=') - 11);
      if (file.find("opentelemetry") != std::string::npos ||
          BaseName(file).find("otel") != std::string_view::npos)
        return Instrumented(TraceReason::kCommandLine, BaseName(file));
    }
    if (i < 3 && BaseName(word) == "opentelemetry-instrument")
      return Instrumented(TraceReason::kCommandLine, "opentelemetry-instrument");
    // node --require @opentelemetry/auto-instrumentations-node/register
    const std::size_t equals = word.find('=');
    const std::string option = word.substr(0, equals);
    const bool preload = option == "-r" || option == "--require" || option == "--import" ||
                         option == "--loader" || option == "--experimental-loader";
    if (names_it && (value_of_preload || (preload && equals != std::string::npos)))
      return Instrumented(TraceReason::kCommandLine,
                          equals == std::string::npos ? word : word.substr(equals + 1));
    value_of_preload = preload && equals == std::string::npos;
  }
  return {};
}

bool IsOpenTelemetrySdkFile(std::string_view path) {
  if (!path.starts_with('/')) return false;  // "socket:[1]"
  const std::string name = Lower(BaseName(path));
  if (name.find("opentelemetry") == std::string::npos) return false;
  // What a library maps to be ready for an SDK that may never come; and our own messages'
  // definitions.
  for (const std::string_view other :
       {"opentelemetry-api", "opentelemetry.api", "opentelemetry_api", "opentelemetry-context",
        "opentelemetry-semconv", "opentelemetry_proto", "opentelemetry-proto",
        "opentelemetry_common", ".log"}) {
    if (name.find(other) != std::string::npos) return false;
  }
  return true;
}

bool IsInstrumentedGo(const GoBuildInfo& info) {
  // Many programs carry the SDK's module for its metrics; spans need an exporter of traces beside
  // it.
  if (!HasModule(info, "go.opentelemetry.io/otel/sdk")) return false;
  for (const std::string_view exporter :
       {"go.opentelemetry.io/otel/exporters/otlp/otlptrace",
        "go.opentelemetry.io/otel/exporters/zipkin", "go.opentelemetry.io/otel/exporters/jaeger",
        "go.opentelemetry.io/otel/exporters/stdout/stdouttrace",
        "go.opentelemetry.io/contrib/exporters/autoexport"}) {
    if (HasModuleUnder(info, exporter)) return true;
  }
  return false;
}

TraceDecision DecideTraces(const TraceConfig& config, const ProcessInfo& process,
                           const ProcessFolder& folder) {
  switch (ModeFor(config, process)) {
    case TraceMode::kAlways:
      return {true, TraceReason::kConfigAlways, {}};
    case TraceMode::kNever:
      return {false, TraceReason::kConfigNever, {}};
    case TraceMode::kAuto:
      break;
  }
  for (TraceDecision decision :
       {DecideByEnvironment(process.otel), DecideByCommandLine(process.arguments)}) {
    if (decision.reason != TraceReason::kNotInstrumented) return decision;
  }
  if (auto decision = DecideByFiles(folder)) return std::move(*decision);
  if (process.program.runtime == Runtime::kNative) {
    if (auto decision = DecideByProgram(folder)) return std::move(*decision);
  }
  return {};
}

}  // namespace wirespan::process
