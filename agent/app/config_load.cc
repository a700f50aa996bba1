#include "agent/app/config_load.h"

#include <cstdlib>

#include "common/base/strings.h"
#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

const char* Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// The standard variables that are not the exporter's (those are agent/export/options_env.h's).
void ApplyEnvironment(Config& config) {
  if (const char* sampler = Variable("OTEL_TRACES_SAMPLER")) config.traces.sampler = sampler;
  if (const char* argument = Variable("OTEL_TRACES_SAMPLER_ARG")) config.traces.sampler_arg = argument;
  if (const char* interval = Variable("OTEL_METRIC_EXPORT_INTERVAL")) {
    if (const auto ms = ParseUint(interval); ms && *ms >= 100) {
      config.metrics.interval = std::chrono::milliseconds(*ms);
    } else {
      log::Warn("OTEL_METRIC_EXPORT_INTERVAL: '{}' is no number of milliseconds from 100 on, ignored", interval);
    }
  }
  if (const char* level = Variable("OTEL_LOG_LEVEL")) config.log_level = level;
}

}  // namespace

Config DefaultConfig() {
  Config config;
  ApplyEnvironment(config);
  return config;
}

std::vector<std::string> FixedChanges(const Config& old_config, const Config& new_config) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  compare("capture.backend", old_config.capture.backend == new_config.capture.backend);
  compare("capture.ring_bytes", old_config.capture.ring_bytes == new_config.capture.ring_bytes);
  compare("capture.head_bytes", old_config.capture.head_bytes == new_config.capture.head_bytes);
  compare("admin.listen", old_config.admin_listen == new_config.admin_listen);
  compare("metrics.listen", old_config.metrics.listen == new_config.metrics.listen);
  compare("control.socket", old_config.control_socket == new_config.control_socket);
  compare("export.endpoint", old_config.exporting.endpoint == new_config.exporting.endpoint);
  compare("export.protocol", old_config.exporting.protocol == new_config.exporting.protocol);
  compare("limits.connections", old_config.max_connections == new_config.max_connections);
  compare("limits.processes", old_config.max_processes == new_config.max_processes);
  return keys;
}

void ApplyLogging(const Config& config) {
  log::Options options;
  options.json = config.log_format == "json";
  if (auto level = log::ParseLevel(config.log_level)) options.level = *level;
  log::Configure(options);
}

}  // namespace wirespan::app
