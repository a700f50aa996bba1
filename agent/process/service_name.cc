#include "agent/process/service_name.h"

#include <algorithm>
#include <array>

#include "agent/process/pod_attributes.h"

namespace wirespan::process {
namespace {

constexpr std::array<std::string_view, 22> kHostsOfOthers = {
    "cron",       "crond",       "atd",           "anacron",    "ssh",         "sshd",
    "supervisor", "supervisord", "docker",        "containerd", "crio",        "cri-o",
    "podman",     "kubelet",     "k3s",           "k3s-agent",  "rke2-server", "rke2-agent",
    "buildkit",   "jenkins",     "gitlab-runner", "pm2"};

std::string EnvironmentName(const ProcessInfo& process) {
  if (std::string name = SaneText(FindVariable(process.otel, "OTEL_SERVICE_NAME")); !name.empty())
    return name;
  const Variables attributes =
      ParseResourceAttributes(FindVariable(process.otel, "OTEL_RESOURCE_ATTRIBUTES"));
  if (std::string name = SaneText(FindVariable(attributes, "service.name")); !name.empty())
    return name;
  if (process.program.runtime != Runtime::kJava) return {};
  constexpr std::string_view kProperty = "-Dotel.service.name=";
  for (const std::string& argument : process.arguments) {
    if (argument.starts_with(kProperty))
      return SaneText(std::string_view(argument).substr(kProperty.size()));
  }
  return {};
}

}  // namespace

std::optional<std::string> NameOfUnit(std::string_view unit) {
  constexpr std::string_view kEnding = ".service";
  if (!unit.ends_with(kEnding)) return std::nullopt;
  unit.remove_suffix(kEnding.size());
  unit = unit.substr(0, unit.find('@'));
  if (std::find(kHostsOfOthers.begin(), kHostsOfOthers.end(), unit) != kHostsOfOthers.end())
    return std::nullopt;
  std::string name = SaneName(unit);
  if (name.empty()) return std::nullopt;
  return name;
}

ServiceName NameService(const std::vector<ServiceRule>& rules, const ProcessInfo& process) {
  ServiceName service;
  const auto take = [&](std::string name, NameSource source) {
    if (service.source != NameSource::kUnknown || name.empty()) return;
    service.name = std::move(name);
    service.source = source;
  };
  for (const ServiceRule& rule : rules) {
    if (!Matches(rule.match, process)) continue;
    take(SaneText(rule.name), NameSource::kConfigRule);
    service.name_space = SaneText(rule.name_space);
    break;
  }
  take(EnvironmentName(process), NameSource::kEnvironment);
  if (const kube::Pod* pod = process.kubernetes.pod.get()) {
    take(SaneText(PodAnnotation(*pod, "service.name")), NameSource::kPodAnnotation);
    take(SaneName(kube::FindText(pod->labels, "app.kubernetes.io/name")), NameSource::kPodLabel);
    take(SaneName(pod->workload.name), NameSource::kWorkload);
    take(SaneName(process.kubernetes.container), NameSource::kContainer);
  }
  take(process.container_name, NameSource::kContainer);
  if (!process.placement.systemd_unit.empty())
    take(NameOfUnit(process.placement.systemd_unit).value_or(std::string()),
         NameSource::kSystemdUnit);
  if (process.program.kind != ProgramKind::kExecutable)
    take(process.program.name, NameSource::kProgram);
  take(process.program.name, NameSource::kExecutable);
  take(SaneName(process.comm), NameSource::kExecutable);
  if (service.source == NameSource::kUnknown) service.name = "unknown_service";
  if (service.name_space.empty()) {
    const Variables attributes =
        ParseResourceAttributes(FindVariable(process.otel, "OTEL_RESOURCE_ATTRIBUTES"));
    service.name_space = SaneText(FindVariable(attributes, "service.namespace"));
  }
  if (const kube::Pod* pod = process.kubernetes.pod.get()) {
    if (service.name_space.empty())
      service.name_space = SaneText(PodAnnotation(*pod, "service.namespace"));
    if (service.name_space.empty()) service.name_space = SaneName(pod->name_space);
  }
  return service;
}

std::string_view NameSourceText(NameSource source) {
  switch (source) {
    case NameSource::kConfigRule:
      return "a rule of the configuration";
    case NameSource::kEnvironment:
      return "its OTEL_* variables";
    case NameSource::kPodAnnotation:
      return "its pod's annotation resource.opentelemetry.io/service.name";
    case NameSource::kPodLabel:
      return "its pod's label app.kubernetes.io/name";
    case NameSource::kWorkload:
      return "its Kubernetes workload";
    case NameSource::kContainer:
      return "its container's name";
    case NameSource::kSystemdUnit:
      return "its systemd unit";
    case NameSource::kProgram:
      return "the program that its interpreter runs";
    case NameSource::kExecutable:
      return "its executable";
    case NameSource::kUnknown:
      return "nothing known";
  }
  return {};
}

}  // namespace wirespan::process
