#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/process/host.h"
#include "agent/process/process_info.h"
#include "agent/process/service_name.h"

namespace wirespan::process {

using AttributeValue = std::variant<std::string, std::int64_t, std::vector<std::string>>;

// Who made the telemetry, by OpenTelemetry's resource conventions. Sorted by key; service.name is
// among the attributes too.
struct ProcessResource {
  std::string service_name{};
  std::vector<std::pair<std::string, AttributeValue>> attributes{};
};

struct ResourceOptions {
  std::string version{};      // of wirespan, for telemetry.*
  bool command_args = false;  // process.command_args: opt-in, arguments often hold secrets
};

// What is unknown is left out. The process's own OTEL_RESOURCE_ATTRIBUTES are taken over, but can't
// replace what was observed (process.*, host.*, container.id, telemetry.*, os.type).
ProcessResource BuildResource(const ProcessInfo& process, const ServiceName& service,
                              const HostInfo& host, const ResourceOptions& options);

// A UUID out of machine, boot, pid and start time: the same for a process's whole life and after a
// restart of the agent, another for every other process.
std::string InstanceId(const ProcessInfo& process, const HostInfo& host);

const AttributeValue* FindAttribute(const ProcessResource& resource, std::string_view key);

}  // namespace wirespan::process
