#include "agent/app/export_options.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "agent/export/options_env.h"

namespace wirespan::app {
namespace {

Result<exporting::SignalOptions> SignalOf(const ExportConfig& config, otlp::Signal signal) {
  exporting::SignalOptions options;
  if (!config.protocol.empty()) {
    auto protocol = exporting::ParseProtocol(config.protocol);
    if (!protocol) return Wrap("export.protocol", std::move(protocol.error()));
    options.protocol = *protocol;
  }
  if (!config.compression.empty()) {
    auto compression = exporting::ParseCompression(config.compression);
    if (!compression) return Wrap("export.compression", std::move(compression.error()));
    options.compression = *compression;
  }
  if (!config.endpoint.empty()) {
    options.endpoint = exporting::SignalEndpoint(config.endpoint, options.protocol, signal);
  }
  for (const auto& [name, value] : config.headers) options.headers[name] = value;
  options.timeout = config.timeout;
  options.insecure = config.insecure;
  options.ca_file = config.ca_file;
  options.certificate_file = config.certificate_file;
  options.key_file = config.key_file;
  options.reload_interval = config.reload_interval;
  return options;
}

}  // namespace

Result<exporting::ExporterOptions> ExporterOptionsOf(const Config& config) {
  exporting::ExporterOptions options;
  auto traces = SignalOf(config.exporting, otlp::Signal::kTraces);
  if (!traces) return tl::unexpected(std::move(traces.error()));
  auto metrics = SignalOf(config.exporting, otlp::Signal::kMetrics);
  if (!metrics) return tl::unexpected(std::move(metrics.error()));
  options.traces = std::move(*traces);
  options.metrics = std::move(*metrics);
  options.batch_spans = config.exporting.batch_spans;
  options.batch_delay = config.exporting.batch_delay;
  options.queue_bytes = config.exporting.queue_bytes;
  options.concurrent_requests = static_cast<int>(config.exporting.concurrent_requests);
  options.max_elapsed = config.exporting.max_elapsed;
  return exporting::MergeEnvironment(
      std::move(options), [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
      });
}

}  // namespace wirespan::app
