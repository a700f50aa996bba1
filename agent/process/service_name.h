#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/process/filter.h"
#include "agent/process/process_info.h"

namespace wirespan::process {

struct ServiceRule {
  ProcessMatch match{};
  std::string name{};        // empty: leaves the name to the rest of the order
  std::string name_space{};  // service.namespace; empty: as found
};

// In the order in which they are asked; docs/naming.md tells it to users.
enum class NameSource : std::uint8_t {
  kConfigRule,
  kEnvironment,    // OTEL_SERVICE_NAME, then service.name of OTEL_RESOURCE_ATTRIBUTES,
                   // -Dotel.service.name
  kPodAnnotation,  // resource.opentelemetry.io/service.name
  kPodLabel,       // app.kubernetes.io/name
  kWorkload,       // Deployment, StatefulSet, DaemonSet, CronJob, Job, ReplicaSet
  kContainer,
  kSystemdUnit,
  kProgram,  // script, module, jar, class
  kExecutable,
  kUnknown,  // "unknown_service"
};

struct ServiceName {
  std::string name{};
  std::string name_space{};
  NameSource source = NameSource::kUnknown;
};

ServiceName NameService(const std::vector<ServiceRule>& rules, const ProcessInfo& process);

// "worker@2.service" -> "worker". nullopt: a unit that runs other people's programs (cron, ssh, a
// supervisor, a container engine), whose name would hide theirs.
std::optional<std::string> NameOfUnit(std::string_view unit);

std::string_view NameSourceText(NameSource source);

}  // namespace wirespan::process
