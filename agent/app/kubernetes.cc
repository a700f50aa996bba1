#include "agent/app/kubernetes.h"

#include <fmt/format.h>

#include <cstdlib>
#include <random>

#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

std::string ValueOf(const kube::Variables& variables, const char* name) {
  const char* value = variables(name);
  return value != nullptr ? value : "";
}

kube::PodTableOptions TableOptionsOf(const KubernetesPlan& plan, const KubernetesConfig& config) {
  kube::PodTableOptions options;
  options.node = plan.node_name;
  // The configuration's reader refused what does not compile.
  if (auto annotations = GlobSet::Compile(config.pod_annotations))
    options.pods.annotations = std::move(*annotations);
  return options;
}

}  // namespace

KubernetesPlan PlanKubernetes(const KubernetesConfig& config, const kube::Variables& variables) {
  KubernetesPlan plan;
  if (config.enabled == "off") {
    plan.why_not = "switched off by kubernetes.enabled";
    return plan;
  }
  const auto in_cluster = kube::InClusterAccess(variables);
  plan.wanted = config.enabled == "on" || !config.server.empty() || in_cluster.has_value();
  if (!plan.wanted) {
    plan.why_not = "this is no pod (KUBERNETES_SERVICE_HOST is not set)";
    return plan;
  }
  if (!config.server.empty()) {
    plan.access.server = config.server;
    while (plan.access.server.ends_with('/')) plan.access.server.pop_back();
  } else if (in_cluster) {
    plan.access = *in_cluster;
  } else {
    plan.why_not =
        "the API server is not known: KUBERNETES_SERVICE_HOST is not set, so this is no pod; set "
        "kubernetes.server";
    return plan;
  }
  if (!config.token_file.empty()) plan.access.token_file = config.token_file;
  if (!config.ca_file.empty()) plan.access.ca_file = config.ca_file;
  plan.node_name = config.node_name;
  for (const char* name : {"NODE_NAME", "K8S_NODE_NAME"}) {
    if (plan.node_name.empty()) plan.node_name = ValueOf(variables, name);
  }
  if (plan.node_name.empty())
    plan.why_not =
        "this node's name is not known: set NODE_NAME by the downward API (spec.nodeName), or "
        "kubernetes.node_name";
  return plan;
}

kube::WatchOptions WatchOptionsOf(const KubernetesPlan& plan) {
  kube::WatchOptions options;
  options.access = plan.access;
  options.field_selector = "spec.nodeName=" + plan.node_name;
  options.fields = kube::PodFields();
  options.seed = std::random_device{}();
  return options;
}

Kubernetes::Kubernetes(KubernetesPlan plan, const KubernetesConfig& config, const Clock& clock,
                       telemetry::Registry& registry)
    : plan_(std::move(plan)),
      pods_(TableOptionsOf(plan_, config), clock, registry),
      watcher_(kube::Watcher::Start(WatchOptionsOf(plan_), pods_, clock, registry)) {}

Result<std::unique_ptr<Kubernetes>> Kubernetes::Start(const KubernetesConfig& config,
                                                      const Clock& clock,
                                                      telemetry::Registry& registry) {
  auto plan = PlanKubernetes(config, [](const char* name) { return std::getenv(name); });
  if (!plan.wanted) return std::unique_ptr<Kubernetes>();
  if (!plan.possible()) {
    if (config.enabled == "on")
      return Fail(ErrorCode::kInvalidArgument, "kubernetes: " + plan.why_not);
    log::Warn("kubernetes: {}; pods stay unknown", plan.why_not);
    return std::unique_ptr<Kubernetes>();
  }
  return std::unique_ptr<Kubernetes>(new Kubernetes(std::move(plan), config, clock, registry));
}

void Kubernetes::WaitForPods(std::chrono::milliseconds timeout) const {
  if (timeout.count() == 0) return;
  if (watcher_->WaitListed(timeout)) {
    log::Info("kubernetes: {} pods of node {} are known", pods_.size(), plan_.node_name);
    return;
  }
  const std::string problem = watcher_->state().problem;
  log::Warn(
      "kubernetes: no pods after {} ms{}; going on without: services are named again when "
      "pods are told",
      timeout.count(), problem.empty() ? "" : ": " + problem);
}

std::string Kubernetes::Describe(const Clock& clock) const {
  const auto state = watcher_->state();
  std::string text =
      fmt::format("Kubernetes: {} pods of node {} known", pods_.size(), plan_.node_name);
  if (state.last_event_ns != 0) {
    const std::uint64_t now_ns = std::max(clock.monotonic_ns(), state.last_event_ns);
    text += fmt::format(", last word {} s ago", (now_ns - state.last_event_ns) / 1'000'000'000);
  }
  if (!state.problem.empty()) text += "; not up to date: " + state.problem;
  if (!state.listed && state.problem.empty()) text += "; asking for the first time";
  return text;
}

}  // namespace wirespan::app
