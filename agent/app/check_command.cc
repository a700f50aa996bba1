#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/app/commands.h"
#include "agent/app/exit_codes.h"
#include "agent/app/kubernetes.h"
#include "agent/kernel/feature_probe.h"
#include "common/telemetry/log.h"

namespace wirespan::app {
namespace {

std::string YesNo(bool yes, std::string_view what, std::string_view otherwise) {
  return fmt::format("  {} {}{}\n", yes ? "yes" : "NO ", what,
                     yes ? "" : fmt::format(": {}", otherwise));
}

// What can be tried only with the rights and the type information that capture needs anyhow.
std::string Tried(bool tried, bool yes, std::string_view what, std::string_view otherwise) {
  return tried ? YesNo(yes, what, otherwise)
               : fmt::format("  ?   {}: can't be tried without what is missing\n", what);
}

std::string LockdownText(const std::string& lockdown) {
  if (lockdown.empty()) return "  yes no lockdown\n";
  if (lockdown != "confidentiality") {
    return fmt::format("  yes lockdown is {}: no hindrance\n", lockdown);
  }
  return "  NO  lockdown is confidentiality: BPF may not read the kernel's memory; boot with "
         "lockdown=integrity or none\n";
}

std::string Text(const kernel::FeatureReport& report) {
  std::string out = fmt::format("kernel {} on {}, {} CPUs possible\n", report.kernel_release,
                                report.architecture, report.possible_cpus);
  const bool ground =
      report.cap_bpf && report.cap_perfmon && report.btf && report.lockdown != "confidentiality";
  out += YesNo(report.cap_bpf, "CAP_BPF", "run as root, or grant CAP_BPF");
  out += YesNo(report.cap_perfmon, "CAP_PERFMON", "run as root, or grant CAP_PERFMON");
  out += YesNo(report.btf, "BTF (/sys/kernel/btf/vmlinux)",
               "this kernel was built without CONFIG_DEBUG_INFO_BTF");
  out += LockdownText(report.lockdown);
  out += Tried(ground, report.ring_buffer, "BPF ring buffer", "mainline has it from 5.8 on");
  out += Tried(ground, report.mapped_array, "memory-mapped BPF arrays",
               "mainline has them from 5.5 on");
  out += Tried(ground, report.socket_storage, "socket storage in tracing programs",
               "a hash table is used instead, which costs a little more");
  out += YesNo(report.tracefs, "tracefs", "only the kprobe backend of old kernels needs it");
  if (ground) {
    out += "capture backends, best first:\n";
    for (const auto& backend : report.backends) {
      const std::string lack = backend.lack.empty() ? "" : ", but " + backend.lack;
      out += fmt::format("  {:<10} {}\n", backend.name,
                         backend.usable ? "usable" + lack : backend.why_not);
    }
  }
  out += report.chosen.empty() ? "nothing can be captured here\n"
                               : fmt::format("`run` would take {}\n", report.chosen);
  return out;
}

// What a start would find of Kubernetes here, without a configuration file.
struct KubernetesFinding {
  KubernetesPlan plan{};
  std::string why_not{};  // empty: pods can be listed, or nobody asks for it
};

// Tries a list of one pod: rights and trust show only then.
KubernetesFinding FindKubernetes() {
  KubernetesFinding finding;
  finding.plan = PlanKubernetes({}, [](const char* name) { return std::getenv(name); });
  finding.why_not = finding.plan.why_not;
  if (!finding.plan.possible()) return finding;
  const auto tried = kube::TryList(WatchOptionsOf(finding.plan), std::chrono::seconds(5));
  if (!tried) finding.why_not = tried.error().message;
  return finding;
}

std::string Json(const kernel::FeatureReport& report, const KubernetesFinding& kubernetes) {
  nlohmann::ordered_json json{{"kernel", report.kernel_release},
                              {"architecture", report.architecture},
                              {"cap_bpf", report.cap_bpf},
                              {"cap_perfmon", report.cap_perfmon},
                              {"btf", report.btf},
                              {"ring_buffer", report.ring_buffer},
                              {"mapped_array", report.mapped_array},
                              {"socket_storage", report.socket_storage},
                              {"tracefs", report.tracefs},
                              {"preempts", report.preempts},
                              {"lockdown", report.lockdown},
                              {"chosen", report.chosen}};
  for (const auto& backend : report.backends) {
    json["backends"].push_back({{"name", backend.name},
                                {"usable", backend.usable},
                                {"why_not", backend.why_not},
                                {"lack", backend.lack}});
  }
  json["kubernetes"] = {{"wanted", kubernetes.plan.wanted},
                        {"node", kubernetes.plan.node_name},
                        {"server", kubernetes.plan.access.server},
                        {"works", kubernetes.plan.possible() && kubernetes.why_not.empty()},
                        {"why_not", kubernetes.why_not}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string Text(const KubernetesFinding& finding) {
  if (!finding.plan.wanted) return {};
  return YesNo(finding.why_not.empty(),
               finding.plan.possible()
                   ? fmt::format("Kubernetes: pods of node {} by {}", finding.plan.node_name,
                                 finding.plan.access.server)
                   : std::string("Kubernetes"),
               finding.why_not + "; services are named without their pods");
}

}  // namespace

int CheckCommand(const CheckFlags& flags) {
  log::Configure({.level = log::Level::kWarn, .json = false});
  const auto report = kernel::ProbeFeatures();
  const auto kubernetes = FindKubernetes();
  std::cout << (flags.json ? Json(report, kubernetes) : Text(report) + Text(kubernetes));
  if (!report.chosen.empty()) return kExitOk;
  return report.cap_bpf && report.cap_perfmon ? kExitUnsupported : kExitPermission;
}

}  // namespace wirespan::app
