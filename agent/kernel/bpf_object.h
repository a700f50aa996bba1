#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/kernel/return_probe.h"
#include "agent/process/held_file.h"
#include "common/base/result.h"

struct bpf_object;
struct bpf_program;
struct bpf_link;

namespace wirespan::kernel {

// A loaded and attached set of programs. Detaches and unloads when it goes. libbpf's own words
// never reach standard error: they are kept (see TakeLibbpfLog) and the errors here are sentences.
class BpfObject {
 public:
  struct Spec {
    std::string_view name;                  // of the backend, for errors
    const void* (*elf)(std::size_t* size);  // the embedded object
    std::vector<std::string_view>
        required{};              // programs without which it is of no use; others load if they can
    std::string_view missing{};  // the sentence if the kernel lacks a required hook
    std::vector<std::string_view>
        of_splice{};  // attached once something splices, because they cost everybody
  };
  struct Sizes {
    std::uint32_t cpus = 1;
    std::uint64_t ring_size = 0;  // of one CPU, a power of two
    std::uint32_t head_max = 0;
    std::uint32_t http2_head_max = 0;
    std::uint32_t self = 0;
    std::uint32_t max_sockets = 0;
    std::uint32_t max_processes = 0;
    bool may_hold_cpu = true;     // programs may switch preemption off where the kernel preempts
    bool may_take_census = true;  // with the program of ForEachHeldFile
  };
  struct Program {
    std::string name{};
    int fd = -1;
  };

  static Result<std::unique_ptr<BpfObject>> Load(const Spec& spec, const Sizes& sizes);
  ~BpfObject();
  BpfObject(const BpfObject&) = delete;
  BpfObject& operator=(const BpfObject&) = delete;

  Result<> Attach();
  // The programs that Attach left for later, `of_splice`. A second call does nothing.
  void AttachThoseOfSplice();
  // AF_UNIX sockets that were told and are no more, once each, by their ConnectionId; none on
  // kernels that have no iterators over maps (before 5.9). Tens of microseconds.
  void ForEachGoneUnixSocket(const std::function<void(std::uint64_t)>& visit);
  // The root of the calling thread's control group namespace, as lines of /proc/PID/cgroup with
  // paths from the hierarchies' own roots on; empty where the kernel does not tell.
  std::string OwnGroups();
  // Every descriptor of every process that is a stream socket or an io_uring. False: not all of
  // them, because the kernel does not tell (before 5.8), or this process lives in a pid namespace
  // of its own. About 0.1 us a descriptor of the machine.
  bool ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit);
  // Pins links, rings and verdicts below `directory`, so that they outlive this process.
  // kUnsupported: not with this backend.
  Result<> Pin(const std::string& directory);
  // From this second of CLOCK_MONOTONIC on the programs do nothing.
  void EndAt(std::uint64_t monotonic_s);
  int map_fd(const char* name) const;     // -1: no such map
  std::vector<Program> programs() const;  // those that are loaded

 private:
  bool IsOfSplice(const bpf_program* program) const;
  Result<> AttachReturn(bpf_program* program, const std::string& function);
  explicit BpfObject(Spec spec) : spec_(std::move(spec)) {}

  Spec spec_;
  bpf_object* object_ = nullptr;
  std::vector<bpf_link*> links_{};
  bool sees_splice_ = false;
  std::vector<std::unique_ptr<ReturnProbe>> returns_{};
  bpf_link* iterator_ = nullptr;  // one of links_
  bool no_gone_ = false;          // the kernel refused: don't ask again
};

// What libbpf and the verifier said since the last call, at most 64 KiB; for debug logs only.
std::string TakeLibbpfLog();

// Whether the kernel's BTF has this name; false if there is no BTF. `kind`: BTF_KIND_TYPEDEF,
// BTF_KIND_FUNC...
bool KernelHasType(const std::string& name, std::uint32_t kind);

// How many arguments the kernel's BTF gives this function; 0: it knows no such function.
std::uint32_t KernelFunctionArguments(const std::string& name);

// The backends by name, in the order of "auto"; nullptr: no such backend.
const BpfObject::Spec* FindBackend(std::string_view name);

}  // namespace wirespan::kernel
