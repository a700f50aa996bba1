#include "agent/kernel/feature_probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "agent/kernel/bpf_object.h"
#include "agent/kernel/misses.h"
#include "agent/kernel/preemption.h"
#include "agent/kernel/rights.h"
#include "common/base/unique_fd.h"

namespace wirespan::kernel {
namespace {

bool HasMappedArray() {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  return UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ws_probe", 4, 4096, 1, &options)).valid();
}

// As LiveSource::Create takes "auto".
std::string Chosen(const std::vector<BackendCheck>& backends) {
  const auto whole = std::ranges::find_if(backends, [](const BackendCheck& check) {
    return check.usable && (check.lack.empty() || check.lacks_rarely);
  });
  if (whole != backends.end()) return whole->name;
  const auto any = std::ranges::find_if(backends, &BackendCheck::usable);
  return any == backends.end() ? std::string{} : any->name;
}

}  // namespace

FeatureReport ProbeFeatures() {
  FeatureReport report{};
  utsname names{};
  if (uname(&names) == 0) {
    report.kernel_release = names.release;
    report.architecture = names.machine;
  }
  const Rights rights = OwnRights();
  report.root = rights.root;
  report.cap_bpf = rights.bpf;
  report.cap_perfmon = rights.perfmon;
  report.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  report.lockdown = Lockdown();
  report.tracefs = access("/sys/kernel/tracing/events", R_OK) == 0 ||
                   access("/sys/kernel/debug/tracing/events", R_OK) == 0;
  report.preempts = KernelPreempts();
  report.possible_cpus = libbpf_num_possible_cpus();
  const Result<> ground = CheckGround();
  if (ground) {
    report.mapped_array = HasMappedArray();
    report.ring_buffer = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1;
    report.socket_storage = KernelHasType("bpf_sk_storage_get_tracing", BTF_KIND_FUNC);
    report.statistics = UniqueFd(bpf_enable_stats(BPF_STATS_RUN_TIME)).valid();
  }
  for (const std::string_view name : BackendNames()) {
    BackendCheck check{std::string(name), false, {}};
    if (!ground) {
      check.why_not = ground.error().message;
    } else {
      CaptureOptions options{};
      options.backend = check.name;
      options.ring_bytes = 1u << 20;
      const auto source = LiveSource::Create(options);
      check.usable = source.has_value();
      if (source) {
        Misses misses = WhatItMisses(check.name, (*source)->Status());
        check.lack = std::move(misses.why);
        check.lacks_rarely = misses.rarely;
      } else {
        check.why_not = source.error().message;
      }
    }
    report.backends.push_back(std::move(check));
  }
  report.chosen = Chosen(report.backends);
  return report;
}

}  // namespace wirespan::kernel
