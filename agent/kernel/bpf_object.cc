#include "agent/kernel/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "agent/kernel/preemption.h"
#include "agent/kernel/return_probe.h"
#include "agent/kernel/rights.h"
#include "bpf/abi/event.h"
#include "bpf/abi/ring.h"
#include "bpf/abi/settings.h"
#include "common/telemetry/log.h"

namespace wirespan::kernel {
namespace {

constexpr std::size_t kLogBytes = 64 << 10;
std::mutex log_mutex;  // guards log_text
std::string log_text;

int KeepLog(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[4096];
  std::vsnprintf(line, sizeof(line), format, arguments);
  std::lock_guard lock(log_mutex);
  log_text += line;
  if (log_text.size() > kLogBytes) log_text.erase(0, log_text.size() - kLogBytes);
  return 0;
}

const btf* KernelBtf() {
  static const std::unique_ptr<btf, void (*)(btf*)> types(btf__load_vmlinux_btf(),
                                                          [](btf* b) { btf__free(b); });
  return types.get();
}

// Of tracefs, by which libbpf attaches to it.
bool HasTraceEvent(const std::string& event) {
  return access(fmt::format("/sys/kernel/tracing/events/{}/id", event).c_str(), R_OK) == 0 ||
         access(fmt::format("/sys/kernel/debug/tracing/events/{}/id", event).c_str(), R_OK) == 0;
}

// "tp_btf/x" needs the type of the tracepoint, "tp/x/y" the event; "fentry/f", "fexit/f",
// "kprobe/f" and "kretprobe/f" the function. Others are found out by trying.
bool HookExists(std::string_view section) {
  const std::size_t slash = section.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view kind = section.substr(0, slash);
  const std::string target(section.substr(slash + 1));
  if (kind == "tp_btf") return KernelHasType("btf_trace_" + target, BTF_KIND_TYPEDEF);
  if (kind == "tp") return HasTraceEvent(target);
  if (kind == "iter") return KernelHasType("bpf_iter_" + target, BTF_KIND_FUNC);
  if (kind == "fentry" || kind == "fexit" || kind == "kprobe" || kind == "kretprobe")
    return KernelHasType(target, BTF_KIND_FUNC);
  return true;
}

bool IsIterator(const bpf_program* program) {
  return std::string_view(bpf_program__section_name(program)).starts_with("iter/");
}

// Before 6.16 each CPU puts up to 128 free entries of an LRU map aside for itself, whatever the
// map's size: in a smaller map the newest entries would be pushed out. 65,536 is the size for
// sockets.
std::uint32_t EntriesThatLast(std::uint32_t wanted, std::uint32_t cpus) {
  return std::max(wanted, std::min(256 * cpus, 65536U));
}

// What is done where programs may be preempted: "x_again" is the second program of "x"
// (bpf/lib/turn.h); "x_held" runs instead of "x", with preemption off.
constexpr std::string_view kAgain = "_again", kHeld = "_held";

// Of which /proc tells as much, for more CPU: nothing else may fail because of it.
constexpr std::string_view kCensus = "open_files";

std::string_view NameOf(const bpf_program* program) { return bpf_program__name(program); }

bool IsAgainstPreemption(const bpf_program* program) {
  return NameOf(program).ends_with(kAgain) || NameOf(program).ends_with(kHeld);
}

// Of those of functions on every kernel that preempts.
bool MayBePreempted(const BpfObject::Spec& spec) {
  return spec.name == "fentry" ? KernelPreempts() : TracepointsPreempt();
}

bool HooksFunctions(const BpfObject::Spec& spec) {
  return spec.name == "fentry" || spec.name == "kprobe";
}

// The kernel said no to a process that CheckGround found to have the rights: then it is the kernel
// that lacks something, or locks it away.
Error Refusal(const BpfObject::Spec& spec, const char* action, int error_number) {
  if (const Rights rights = OwnRights();
      error_number == EPERM && (!rights.bpf || !rights.perfmon)) {
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("backend {}: the kernel refused to {} the programs: run as root, or "
                             "with CAP_BPF and CAP_PERFMON",
                             spec.name, action)};
  }
  switch (error_number) {
    case ENOMEM:
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("backend {}: no memory for the rings and maps; "
                               "lower capture.ring_bytes",
                               spec.name)};
    case EPERM:
      return Error{ErrorCode::kUnsupported,
                   fmt::format("backend {}: this kernel does not allow programs on its {} (kernel "
                               "lockdown, a security module, or a container's seccomp profile that "
                               "has no bpf and perf_event_open); choose another capture.backend",
                               spec.name, HooksFunctions(spec) ? "functions" : "tracepoints")};
    case EACCES:
    case EINVAL:
    case E2BIG:
      if (std::string_view(action) == "load") {
        return Error{ErrorCode::kUnsupported,
                     fmt::format("backend {}: this kernel's verifier does not take the programs "
                                 "(error {}); choose another capture.backend",
                                 spec.name, error_number)};
      }
      [[fallthrough]];
    default:
      return Error{ErrorCode::kUnsupported,
                   HooksFunctions(spec)
                       ? fmt::format("backend {}: this kernel is built without the means to hook "
                                     "its functions (error {}); choose another capture.backend",
                                     spec.name, error_number)
                       : fmt::format("backend {}: this kernel does not take the programs (error "
                                     "{}); choose another capture.backend",
                                     spec.name, error_number)};
  }
}

}  // namespace

std::string TakeLibbpfLog() {
  std::lock_guard lock(log_mutex);
  return std::exchange(log_text, {});
}

bool KernelHasType(const std::string& name, std::uint32_t kind) {
  const btf* types = KernelBtf();
  return types != nullptr && btf__find_by_name_kind(types, name.c_str(), kind) > 0;
}

std::uint32_t KernelFunctionArguments(const std::string& name) {
  const btf* types = KernelBtf();
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, name.c_str(), BTF_KIND_FUNC);
  const btf_type* function = id > 0 ? btf__type_by_id(types, static_cast<__u32>(id)) : nullptr;
  const btf_type* prototype = function ? btf__type_by_id(types, function->type) : nullptr;
  return prototype ? btf_vlen(prototype) : 0;
}

Result<std::unique_ptr<BpfObject>> BpfObject::Load(const Spec& spec, const Sizes& sizes) {
  libbpf_set_print(&KeepLog);
  std::unique_ptr<BpfObject> self(new BpfObject(spec));
  std::size_t size = 0;
  const void* bytes = spec.elf(&size);
  self->object_ = bpf_object__open_mem(bytes, size, nullptr);
  if (!self->object_) {
    return Fail(ErrorCode::kUnknown,
                fmt::format("backend {}: the built-in object is damaged", spec.name));
  }
  const bool hold_cpu = sizes.may_hold_cpu && KernelHasType("bpf_preempt_disable", BTF_KIND_FUNC) &&
                        MayBePreempted(spec);
  bpf_program* program = nullptr;
  std::vector<bpf_program*> replaced{};
  bool takes_census = false;
  bpf_object__for_each_program(program, self->object_) {
    const std::string_view name = NameOf(program);
    const bool wanted =
        (hold_cpu || !IsAgainstPreemption(program)) && (sizes.may_take_census || name != kCensus);
    if (wanted && HookExists(bpf_program__section_name(program))) {
      if (name.ends_with(kHeld)) {
        const std::string first(name.substr(0, name.size() - kHeld.size()));
        replaced.push_back(bpf_object__find_program_by_name(self->object_, first.c_str()));
      }
      takes_census |= name == kCensus;
      continue;
    }
    if (wanted &&
        std::find(spec.required.begin(), spec.required.end(), name) != spec.required.end()) {
      return Fail(ErrorCode::kUnsupported, fmt::format("backend {}: {}", spec.name, spec.missing));
    }
    bpf_program__set_autoload(program, false);
  }
  for (bpf_program* first : replaced) bpf_program__set_autoload(first, false);

  bpf_map* rings = bpf_object__find_map_by_name(self->object_, "ws_rings");
  bpf_map* settings_map = bpf_object__find_map_by_name(self->object_, ".rodata.settings");
  std::size_t settings_size = 0;
  auto* settings =
      settings_map == nullptr
          ? nullptr
          : static_cast<ws_settings*>(bpf_map__initial_value(settings_map, &settings_size));
  if (rings == nullptr || settings == nullptr || settings_size != sizeof(ws_settings)) {
    return Fail(ErrorCode::kUnknown,
                fmt::format("backend {}: the built-in object is damaged", spec.name));
  }
  settings->ring_mask = static_cast<std::uint32_t>(sizes.ring_size - 1);
  settings->head_max = sizes.head_max;
  settings->h2_head_max = sizes.http2_head_max;
  settings->self = sizes.self;
  settings->hold_cpu = hold_cpu ? 1 : 0;
  settings->receive_arguments = KernelFunctionArguments("tcp_recvmsg");
  int failed = bpf_map__set_max_entries(rings, sizes.cpus);
  failed |= bpf_map__set_value_size(
      rings, static_cast<std::uint32_t>(WS_RING_DATA + sizes.ring_size + WS_RING_SLACK));
  if (bpf_map* map = bpf_object__find_map_by_name(self->object_, "ws_verdicts")) {
    failed |= bpf_map__set_max_entries(map, sizes.max_processes);
  }
  if (bpf_map* map = bpf_object__find_map_by_name(self->object_, "ws_socks")) {
    if (bpf_map__type(map) != BPF_MAP_TYPE_SK_STORAGE)
      failed |= bpf_map__set_max_entries(map, sizes.max_sockets);
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, self->object_) {
    if (bpf_map__type(map) != BPF_MAP_TYPE_LRU_HASH) continue;
    failed |= bpf_map__set_max_entries(map, EntriesThatLast(bpf_map__max_entries(map), sizes.cpus));
  }
  if (failed != 0)
    return Fail(ErrorCode::kInvalidArgument, fmt::format("backend {}: bad sizes", spec.name));
  if (const int error = bpf_object__load(self->object_); error != 0) {
    Sizes without = sizes;
    const bool verifier = error != -ENOMEM && error != -EPERM;
    if (verifier && hold_cpu) {
      // The first verifiers that know the function do not let programs call their own ones then.
      without.may_hold_cpu = false;
      return Load(spec, without);
    }
    if (verifier && takes_census) {
      log::Debug("backend {}: error {}, once more without {}", spec.name, -error, kCensus);
      without.may_take_census = false;
      without.may_hold_cpu = true;  // it may not have been that
      return Load(spec, without);
    }
    return tl::unexpected<Error>(Refusal(spec, "load", -error));
  }
  return self;
}

Result<> BpfObject::Attach() {
  bpf_program* program = nullptr;
  bpf_program* at_return = nullptr;
  std::vector<std::string> entered{};
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program)) continue;
    if (IsIterator(program)) continue;  // runs when it is read
    if (IsOfSplice(program)) continue;
    const std::string_view section = bpf_program__section_name(program);
    if (section == "kretprobe") {
      at_return = program;
      continue;
    }
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) {
      const int error = errno;
      const std::string_view name = NameOf(program);
      if (!name.ends_with(kHeld) &&
          std::find(spec_.required.begin(), spec_.required.end(), name) == spec_.required.end())
        continue;
      return tl::unexpected<Error>(Refusal(spec_, "attach", error));
    }
    links_.push_back(link);
    if (section.starts_with("kprobe/"))
      entered.emplace_back(section.substr(std::string_view("kprobe/").size()));
  }
  if (at_return == nullptr) return {};
  // After the entries: so every return that is seen has an entry.
  for (const std::string& function : entered) {
    if (auto attached = AttachReturn(at_return, function); !attached) return attached;
  }
  return {};
}

bool BpfObject::IsOfSplice(const bpf_program* program) const {
  const std::string_view name = bpf_program__name(program);
  return std::find(spec_.of_splice.begin(), spec_.of_splice.end(), name) != spec_.of_splice.end();
}

void BpfObject::AttachThoseOfSplice() {
  if (std::exchange(sees_splice_, true)) return;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (!bpf_program__autoload(program) || !IsOfSplice(program)) continue;
    if (bpf_link* link = bpf_program__attach(program)) links_.push_back(link);
  }
}

Result<> BpfObject::AttachReturn(bpf_program* program, const std::string& function) {
  auto probe = ReturnProbe::Attach(program, function);
  if (probe) {
    returns_.push_back(std::move(*probe));
    return {};
  }
  log::Warn(
      "capture: {}: calls are missed while more threads than CPUs wait in {}; mount tracefs at "
      "/sys/kernel/tracing",
      probe.error().message, function);
  bpf_link* link = bpf_program__attach_kprobe(program, true, function.c_str());
  if (link == nullptr) return tl::unexpected<Error>(Refusal(spec_, "attach", errno));
  links_.push_back(link);
  return {};
}

Result<> BpfObject::Pin(const std::string& directory) {
  // Those of functions end with the descriptor of their perf event, or with their process.
  if (!returns_.empty() || spec_.name == "kprobe")
    return Fail(ErrorCode::kUnsupported, "probes of functions end with their process");
  std::size_t n = 0;
  for (bpf_link* link : links_) {
    if (link == iterator_) continue;
    const std::string path = fmt::format("{}/link{}", directory, n++);
    if (bpf_obj_pin(bpf_link__fd(link), path.c_str()) != 0) return FailErrno("pin " + path, errno);
  }
  for (const auto& [map, file] :
       {std::pair{"ws_rings", "rings"}, std::pair{"ws_side_ring", "side_ring"},
        std::pair{"ws_verdicts", "verdicts"}}) {
    const std::string path = fmt::format("{}/{}", directory, file);
    if (bpf_obj_pin(map_fd(map), path.c_str()) != 0) return FailErrno("pin " + path, errno);
  }
  return {};
}

void BpfObject::EndAt(std::uint64_t monotonic_s) {
  const int fd = map_fd(".data.control");
  void* memory = mmap(nullptr, sizeof(ws_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return;
  __atomic_store_n(&static_cast<ws_control*>(memory)->ends_at_s, static_cast<__u32>(monotonic_s),
                   __ATOMIC_RELEASE);
  munmap(memory, sizeof(ws_control));
}

BpfObject::~BpfObject() {
  returns_.clear();
  for (bpf_link* link : links_) bpf_link__destroy(link);
  if (object_ != nullptr) bpf_object__close(object_);
}

int BpfObject::map_fd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_, name);
}

std::vector<BpfObject::Program> BpfObject::programs() const {
  std::vector<Program> found{};
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    if (bpf_program__autoload(program)) {
      found.push_back(Program{bpf_program__name(program), bpf_program__fd(program)});
    }
  }
  return found;
}

}  // namespace wirespan::kernel
