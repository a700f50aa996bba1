#include "agent/kernel/rights.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace wirespan::kernel {
namespace {

constexpr int kCapSysAdmin = 21;
constexpr int kCapPerfmon = 38;
constexpr int kCapBpf = 39;

}  // namespace

Rights OwnRights() {
  Rights rights{};
  rights.root = geteuid() == 0;
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0) return rights;
  const std::uint64_t effective = data[0].effective | static_cast<std::uint64_t>(data[1].effective)
                                                          << 32;
  const auto has = [&](int capability) { return (effective >> capability & 1) != 0; };
  rights.bpf = has(kCapBpf) || has(kCapSysAdmin);
  rights.perfmon = has(kCapPerfmon) || has(kCapSysAdmin);
  return rights;
}

std::string Lockdown() {
  std::ifstream file("/sys/kernel/security/lockdown");
  std::string text{};
  std::getline(file, text);
  const auto open = text.find('['), close = text.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return text.substr(open + 1, close - open - 1);
}

Result<> CheckGround() {
  const Rights rights = OwnRights();
  if (!rights.bpf || !rights.perfmon) {
    return Fail(ErrorCode::kPermissionDenied,
                "capture needs root, or the capabilities CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN "
                "before Linux 5.8)");
  }
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return Fail(ErrorCode::kUnsupported,
                "this kernel gives no type information (/sys/kernel/btf/vmlinux): capture needs "
                "one built with "
                "CONFIG_DEBUG_INFO_BTF, as distributions' kernels since 5.8 are");
  }
  if (Lockdown() == "confidentiality") {
    return Fail(ErrorCode::kUnsupported,
                "this kernel is locked down for confidentiality, so BPF may not read its memory: "
                "boot with lockdown=integrity or none");
  }
  return {};
}

}  // namespace wirespan::kernel
