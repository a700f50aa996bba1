#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/process/process_info.h"

// What a container is called, without asking a daemon: from what runtimes leave on the host's disk
// and on the command line of their monitors. The container's own file system is never looked into:
// whoever owns it decides what stands there, and whether a read of it ever returns.
//
//   Docker            <root>/var/lib/docker/containers/<id>/config.v2.json         "Name": "/shop"
//   containerd <root>/run/containerd/io.containerd.runtime.v2.task/<namespace>/<id>/config.json,
//   annotations
//                     nerdctl/name, io.kubernetes.cri.container-name
//   podman            conmon above the process: "conmon ... -c <id> ... -n shop"
//   CRI-O             the same, "-n k8s_shop_pod_namespace_uid_0" -> shop
//   LXC, nspawn       the name in the control group's path
namespace wirespan::process {

// Empty: unknown. Reads a few files; once a process.
std::string FindContainerName(const std::string& root, const ProcessInfo& process);

// conmon's "-n" where its "-c" is this container; pure.
std::string NameOfMonitor(const std::vector<std::string>& arguments, std::string_view container_id);

}  // namespace wirespan::process
