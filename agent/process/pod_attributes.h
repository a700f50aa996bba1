#pragma once

#include <string>
#include <string_view>

#include "agent/process/process_info.h"
#include "agent/process/resource.h"

// What a process's pod says of it, in the words of OpenTelemetry's conventions for Kubernetes.
namespace wirespan::process {

using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

// The value of the annotation resource.opentelemetry.io/<name>; empty if absent.
std::string_view PodAnnotation(const kube::Pod& pod, std::string_view name);

// "shop.cart-7d9c6b5f4-x2x9p.app"; empty where pod, container or the pid in it are not known.
std::string PodInstanceId(const ProcessInfo& process);

// What the pod's author states: resource.opentelemetry.io/* and service.version, by annotation,
// label app.kubernetes.io/version or the image's tag. What is in `attributes` already stays: the
// process itself knows better.
void AddPodResource(const ProcessInfo& process, Attributes& attributes);

// What is observed: k8s.*.
void AddPodAttributes(const ProcessInfo& process, const ResourceOptions& options,
                      Attributes& attributes);

// Told by observation, so that no variable and no annotation may state it.
bool IsObservedAttribute(std::string_view key);

}  // namespace wirespan::process
