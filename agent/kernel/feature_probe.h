#pragma once

#include <string>
#include <vector>

#include "agent/kernel/live_source.h"

// What this kernel and these rights allow, found by trying, for `wirespan-agent check`.
namespace wirespan::kernel {

struct BackendCheck {
  std::string name{};
  bool usable = false;
  std::string why_not{};  // one sentence, empty if usable
  std::string lack{};     // of a usable one on this kernel: one sentence; empty: none is known
  bool lacks_rarely = false;
};

struct FeatureReport {
  std::string kernel_release{};
  std::string architecture{};
  bool root = false;
  bool cap_bpf = false;      // CAP_BPF or CAP_SYS_ADMIN
  bool cap_perfmon = false;  // CAP_PERFMON or CAP_SYS_ADMIN
  bool btf = false;          // /sys/kernel/btf/vmlinux
  std::string
      lockdown{};  // "none", "integrity", "confidentiality", or "" if the kernel has no lockdown
  bool tracefs = false;       // mounted (kprobe needs it on old kernels)
  bool mapped_array = false;  // memory-mapped maps: the rings
  bool ring_buffer = false;
  bool socket_storage = false;  // in tracing programs
  bool preempts = false;        // a task may lose its CPU inside of a program
  bool statistics = false;      // BPF run times can be read
  int possible_cpus = 0;
  std::vector<BackendCheck> backends{};  // in the order of "auto"
  std::string chosen{};                  // what "auto" takes; empty: none
};

// Loads and attaches the real programs of each backend for a moment. Takes about 0.1 s a usable
// backend.
FeatureReport ProbeFeatures();

}  // namespace wirespan::kernel
