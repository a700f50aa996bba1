#include "agent/process/container_name.h"

#include <fcntl.h>

#include "agent/process/file_reader.h"
#include "agent/process/json_text.h"
#include "agent/process/procfs.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr int kMaxAncestors = 32;

// The kubelet's way to name a container: k8s_<container>_<pod>_<namespace>_<uid>_<attempt>.
std::string_view WithoutKubelet(std::string_view name) {
  if (!name.starts_with("k8s_")) return name;
  name.remove_prefix(4);
  return name.substr(0, name.find('_'));
}

std::string ReadJson(const std::string& path) {
  auto file = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  return file ? std::move(file->text) : std::string();
}

std::string DockerName(const std::string& root, const std::string& id) {
  const std::string json = ReadJson(root + "/var/lib/docker/containers/" + id + "/config.v2.json");
  const auto name = FindJsonString(json, {"Name"});
  if (!name) return {};
  return SaneName(WithoutKubelet(std::string_view(*name).substr(name->starts_with('/') ? 1 : 0)));
}

std::string ContainerdName(const std::string& root, const std::string& id) {
  for (const std::string_view space : {"k8s.io", "default", "moby"}) {
    const std::string json = ReadJson(root + "/run/containerd/io.containerd.runtime.v2.task/" +
                                      std::string(space) + "/" + id + "/config.json");
    if (json.empty()) continue;
    for (const std::string_view key : {"nerdctl/name", "io.kubernetes.cri.container-name"}) {
      if (auto name = FindJsonString(json, {"annotations", key})) return SaneName(*name);
    }
  }
  return {};
}

std::string MonitorName(const std::string& root, const ProcessInfo& process) {
  std::uint32_t pid = process.parent_pid;
  for (int step = 0; step < kMaxAncestors && pid > 1; ++step) {
    const auto folder = ProcessFolder::Open(root, pid);
    if (!folder) return {};
    const auto stat = folder->Stat();
    if (!stat) return {};
    if (stat->comm == "conmon") {
      const auto arguments = folder->Arguments();
      return arguments ? NameOfMonitor(*arguments, process.placement.container_id) : std::string();
    }
    pid = stat->parent_pid;
  }
  return {};
}

}  // namespace

std::string NameOfMonitor(const std::vector<std::string>& arguments,
                          std::string_view container_id) {
  std::string_view name;
  bool same = false;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "-c" || arguments[i] == "--cid") same = arguments[i + 1] == container_id;
    if (arguments[i] == "-n" || arguments[i] == "--name") name = arguments[i + 1];
  }
  return same ? SaneName(WithoutKubelet(name)) : std::string();
}

std::string FindContainerName(const std::string& root, const ProcessInfo& process) {
  const std::string& id = process.placement.container_id;
  switch (process.placement.runtime) {
    case ContainerRuntime::kNone:
      return {};
    case ContainerRuntime::kLxc:
    case ContainerRuntime::kNspawn:
      return SaneName(id);
    case ContainerRuntime::kDocker:
      return DockerName(root, id);
    case ContainerRuntime::kContainerd:
      return ContainerdName(root, id);
    case ContainerRuntime::kPodman:
    case ContainerRuntime::kCrio:
      return MonitorName(root, process);
    case ContainerRuntime::kUnknown:
      break;
  }
  // A cgroupfs driver that wrote the id alone: whoever knows it.
  for (auto* find : {&DockerName, &ContainerdName}) {
    if (std::string name = find(root, id); !name.empty()) return name;
  }
  return MonitorName(root, process);
}

}  // namespace wirespan::process
