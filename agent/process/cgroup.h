#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// What a process's control group says about who started it. Pure.
namespace wirespan::process {

enum class ContainerRuntime : std::uint8_t {
  kNone,
  kDocker,
  kContainerd,  // by CRI (cri-containerd-ID) or nerdctl
  kCrio,
  kPodman,
  kLxc,
  kNspawn,
  kUnknown,  // a container id without a runtime's name beside it
};
std::string_view RuntimeName(ContainerRuntime runtime);

struct Placement {
  std::string path{};  // of the group: v2's, or in hybrid and v1 hierarchies the most telling one
  std::string container_id{};  // 64 hex digits mostly; LXC and nspawn: the machine's name
  ContainerRuntime runtime = ContainerRuntime::kNone;
  std::string pod_uid{};  // Kubernetes: of ".../pod<uid>/..." with dashes
  // The pod's own container, where another one (a container engine in a pod) is the innermost. Also
  // set where the path is relative to the same pod's group and says no uid.
  std::string pod_container_id{};
  std::string systemd_unit{};  // "nginx.service", "worker@2.service"; services only
  bool user_unit = false;      // of a user's manager
};

// The text of /proc/PID/cgroup: lines "id:controllers:path". At most 64 lines and 4 KiB a path are
// looked at. The innermost container counts. A unit above a container (docker.service) is not the
// process's unit.
Placement ParseCgroup(std::string_view text);

// One path of a group, without the line's head.
Placement ParseCgroupPath(std::string_view path);

// "foo\x2dbar" -> "foo-bar": how systemd writes what a unit's name may not hold.
std::string UnescapeUnit(std::string_view text);

}  // namespace wirespan::process
