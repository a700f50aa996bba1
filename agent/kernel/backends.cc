#include <algorithm>

#include "agent/kernel/bpf_object.h"
#include "agent/kernel/live_source.h"
#include "bpf/abi/settings.h"  // for the skeletons
#include "fentry.skel.h"
#include "kprobe.skel.h"
#include "socktrace.skel.h"
#include "syscall.skel.h"

namespace wirespan::kernel {
namespace {

const std::vector<BpfObject::Spec>& Specs() {
  static const std::vector<BpfObject::Spec> specs = {
      {"socktrace",
       &socktrace_bpf::elf_bytes,
       {"socket_sent", "socket_received"},
       "this kernel has no tracepoints sock_send_length and sock_recv_length (Linux 6.3 brought "
       "them)",
       {"socket_spliced", "buffer_consumed"}},
      {"fentry",
       &fentry_bpf::elf_bytes,
       {"tcp_send", "tcp_sent", "tcp_receive", "tcp_received"},
       "this kernel names no functions tcp_sendmsg and tcp_recvmsg in its type information"},
      {"kprobe",
       &kprobe_bpf::elf_bytes,
       {"tcp_send", "tcp_receive", "call_returned"},
       "this kernel names no functions tcp_sendmsg and tcp_recvmsg in its type information"},
      {"syscall",
       &syscall_bpf::elf_bytes,
       {"call_ended"},
       "this kernel has no typed tracepoint sys_exit"},
  };
  return specs;
}

}  // namespace

const BpfObject::Spec* FindBackend(std::string_view name) {
  const auto& specs = Specs();
  const auto found =
      std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

const std::vector<std::string_view>& BackendNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list{};
    for (const auto& spec : Specs()) list.push_back(spec.name);
    return list;
  }();
  return names;
}

}  // namespace wirespan::kernel
