#include "agent/process/resource.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/process/pod_attributes.h"
#include "common/base/hash.h"

namespace wirespan::process {
namespace {

// process.runtime.name as the conventions' examples have it; empty where the interpreter's file
// name leaves it open.
std::string_view RuntimeAttribute(const ProcessInfo& process) {
  const std::string name = ExecutableName(process.executable);
  switch (process.program.runtime) {
    case Runtime::kPython:
      return name.starts_with("pypy") ? "pypy" : "cpython";
    case Runtime::kNode:
      return "nodejs";
    case Runtime::kJava:
      return process.executable.find("openjdk") != std::string::npos ? "OpenJDK Runtime Environment"
                                                                     : "";
    case Runtime::kRuby:
      return name.starts_with("ruby") ? "ruby" : "";
    case Runtime::kDotnet:
      return ".NET";
    case Runtime::kDeno:
      return "deno";
    case Runtime::kBun:
      return "bun";
    case Runtime::kErlang:
      return "BEAM";
    case Runtime::kPerl:
      return "perl";
    case Runtime::kPhp:
      return name.starts_with("php-fpm") ? "fpm-fcgi" : "";
    case Runtime::kNative:
    case Runtime::kShell:
      return {};
  }
  return {};
}

}  // namespace

std::string InstanceId(const ProcessInfo& process, const HostInfo& host) {
  if (std::string id = PodInstanceId(process); !id.empty()) return id;
  const Hash128Value hash = Hash128(fmt::format("wirespan.instance\n{}\n{}\n{}\n{}",
                                                host.id.empty() ? host.name : host.id, host.boot_id,
                                                process.pid, process.start_ticks));
  // Version 8 of RFC 9562: made by a rule of our own.
  return fmt::format("{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}", hash.high >> 32,
                     (hash.high >> 16) & 0xffff, hash.high & 0xfff,
                     ((hash.low >> 48) & 0x3fff) | 0x8000, hash.low & 0xffffffffffff);
}

ProcessResource BuildResource(const ProcessInfo& process, const ServiceName& service,
                              const HostInfo& host, const ResourceOptions& options) {
  ProcessResource resource;
  resource.service_name = service.name;
  auto& attributes = resource.attributes;
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) attributes.emplace_back(key, std::move(value));
  };
  for (auto& [key, value] :
       ParseResourceAttributes(FindVariable(process.otel, "OTEL_RESOURCE_ATTRIBUTES"))) {
    if (IsObservedAttribute(key) || attributes.size() >= 32) continue;
    const bool again = std::any_of(attributes.begin(), attributes.end(),
                                   [&](const auto& a) { return a.first == key; });
    if (!again && SaneName(key) == key) add(key, SaneText(value));
  }
  AddPodResource(process, attributes);
  add("service.name", service.name);
  add("service.namespace", service.name_space);
  if (FindAttribute(resource, "service.instance.id") == nullptr)
    add("service.instance.id", InstanceId(process, host));

  attributes.emplace_back("process.pid", static_cast<std::int64_t>(process.pid));
  if (process.complete && process.parent_pid != 0)
    attributes.emplace_back("process.parent_pid", static_cast<std::int64_t>(process.parent_pid));
  add("process.executable.name", ExecutableName(process.executable));
  add("process.executable.path", SaneText(process.executable, 1024));
  add("process.owner", process.owner);
  add("process.runtime.name", std::string(RuntimeAttribute(process)));
  if (options.command_args && !process.arguments.empty()) {
    std::vector<std::string> arguments;
    for (const std::string& argument : process.arguments)
      arguments.push_back(SaneText(argument, 1024));
    attributes.emplace_back("process.command_args", std::move(arguments));
  }

  add("host.name", host.name);
  add("host.id", host.id);
  add("host.arch", host.arch);
  add("os.type", "linux");

  add("container.id", SaneName(process.placement.container_id));
  if (FindAttribute(resource, "container.name") == nullptr) {
    add("container.name", process.container_name.empty() ? SaneName(process.kubernetes.container)
                                                         : process.container_name);
  }
  AddPodAttributes(process, options, attributes);

  add("telemetry.sdk.name", "wirespan");
  add("telemetry.sdk.language", "cpp");
  add("telemetry.sdk.version", options.version);
  add("telemetry.distro.name", "wirespan");
  add("telemetry.distro.version", options.version);

  std::sort(attributes.begin(), attributes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return resource;
}

const AttributeValue* FindAttribute(const ProcessResource& resource, std::string_view key) {
  for (const auto& [name, value] : resource.attributes) {
    if (name == key) return &value;
  }
  return nullptr;
}

}  // namespace wirespan::process
