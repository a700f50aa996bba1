#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/process/host.h"
#include "agent/process/process_info.h"
#include "agent/process/service_name.h"
#include "common/base/glob.h"

namespace wirespan::process {

using AttributeValue = std::variant<std::string, std::int64_t, std::vector<std::string>>;

// Who made the telemetry, by OpenTelemetry's resource conventions. Sorted by key; service.name is
// among the attributes too.
struct ProcessResource {
  std::string service_name{};
  std::vector<std::pair<std::string, AttributeValue>> attributes{};
};

// What an agent that observes its own pod alone is told of it (the downward API's variables).
struct OwnPod {
  std::string uid{};
  std::string name{};
  std::string name_space{};
};

struct ResourceOptions {
  OwnPod own_pod{};
  std::string version{};      // of wirespan, for telemetry.*
  bool command_args = false;  // process.command_args: opt-in, arguments often hold secrets
  std::string node_name{};    // k8s.node.name, of every process; empty: no node of Kubernetes
  GlobSet pod_labels{};       // names of labels that become k8s.pod.label.*
  GlobSet pod_annotations{};  // names of annotations that become k8s.pod.annotation.*
};

// What is unknown is left out. The process's own OTEL_RESOURCE_ATTRIBUTES are taken over, but can't
// replace what was observed (process.*, host.*, container.id, telemetry.*, os.type; k8s.* where it
// was).
ProcessResource BuildResource(const ProcessInfo& process, const ServiceName& service,
                              const HostInfo& host, const ResourceOptions& options);

// In a pod's container as the conventions have it, namespace.pod.container; of another process than
// the container's first with its pid there behind it, since two processes are two instances.
// Elsewhere a UUID out of machine, boot, pid and start time. The same for a process's whole life
// and after a restart of the agent.
std::string InstanceId(const ProcessInfo& process, const HostInfo& host);

const AttributeValue* FindAttribute(const ProcessResource& resource, std::string_view key);

}  // namespace wirespan::process
