#include "agent/kernel/live_source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "agent/kernel/bpf_object.h"
#include "agent/kernel/kernel_counts.h"
#include "agent/kernel/left_behind.h"
#include "agent/kernel/misses.h"
#include "agent/kernel/rights.h"
#include "agent/kernel/ring_reader.h"
#include "bpf/abi/counter.h"
#include "bpf/abi/ring.h"
#include "bpf/abi/settings.h"
#include "common/base/flat_map.h"
#include "common/base/unique_fd.h"
#include "common/telemetry/log.h"

namespace wirespan::kernel {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t kMaxRingBytes = 48u << 20;
constexpr std::uint64_t kMinRingSize = 16u << 10;
// How long a drain may be away: each begins with cold caches, so it should find some hundred
// events. A ring that fills up rings a doorbell before that.
constexpr milliseconds kShortWait{20};
constexpr milliseconds kLongWait{40};
constexpr milliseconds kGonePeriod{1000};

// The size of one CPU's ring: the largest power of two that keeps all of them within `total`.
std::uint64_t RingSize(std::uint64_t total, std::uint32_t cpus) {
  const std::uint64_t share = std::min(total, kMaxRingBytes) / cpus;
  return std::max(kMinRingSize, std::bit_floor(share));
}

// Some kernels (5.10 is one) refuse elements of more than 4 MiB in a map: found by trying, halved
// until one is taken.
std::uint64_t AcceptedRingSize(std::uint64_t size) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  for (; size > kMinRingSize; size /= 2) {
    const auto element = static_cast<std::uint32_t>(WS_RING_DATA + size + WS_RING_SLACK);
    const UniqueFd map(
        bpf_map_create(BPF_MAP_TYPE_ARRAY, "ws_probe", sizeof(__u32), element, 1, &options));
    if (map.valid() || errno != E2BIG) return size;
  }
  return size;
}

class Live : public LiveSource {
 public:
  Live(const CaptureOptions& options, std::string backend, std::unique_ptr<BpfObject> object,
       std::unique_ptr<RingReader> reader, ws_control* control, UniqueFd statistics)
      : options_(options),
        backend_(std::move(backend)),
        object_(std::move(object)),
        reader_(std::move(reader)),
        control_(control),
        statistics_(std::move(statistics)),
        verdicts_fd_(object_->map_fd("ws_verdicts")),
        counts_fd_(object_->map_fd("ws_counts")),
        own_groups_(object_->OwnGroups()) {}
  ~Live() override {
    object_.reset();
    munmap(control_, sizeof(ws_control));
  }

  Result<std::uint64_t> Poll(connection::EventHandler& handler, milliseconds timeout) override {
    const auto deadline = steady_clock::now() + timeout;
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      if (left.count() > 0) reader_->Wait(std::min(left, wait_));
      if (__atomic_load_n(&control_->splices, __ATOMIC_RELAXED) != 0)
        object_->AttachThoseOfSplice();
      FindGone();
      std::uint64_t count = reader_->Drain(handler);
      if (!reader_->held_back()) count += TellGone(handler);
      wait_ = count > 0 ? kShortWait : std::min(wait_ * 2, kLongWait);
      if (count > 0 || steady_clock::now() >= deadline) return count;
    }
  }

  SourceStatus Status() override {
    SourceStatus status{};
    status.backend = backend_;
    status.attached = true;
    status.ring_bytes = reader_->capacity_bytes();
    status.ring_used_bytes = reader_->used_bytes();
    status.ring_used_max_bytes = reader_->TakeMaxUsed();
    status.ring_waiting_bytes = reader_->waiting_bytes();
    status.counts = ReadKernelCounts(counts_fd_);
    status.counts.push_back(
        KernelCount{"delivered", "", reader_->delivered(), reader_->delivered_bytes()});
    status.counts.push_back(KernelCount{"concluded", "unix_gone", told_gone_, 0});
    status.counts.push_back(KernelCount{"concluded", "taken_over", taken_over_, 0});
    status.counts.push_back(KernelCount{"dropped", "damaged", reader_->damaged(), 0});
    for (const auto& program : object_->programs()) {
      bpf_prog_info info{};
      std::uint32_t size = sizeof(info);
      if (bpf_obj_get_info_by_fd(program.fd, &info, &size) != 0) continue;
      status.programs.push_back(
          ProgramCost{program.name, info.run_cnt, info.run_time_ns, info.recursion_misses});
    }
    status.counts.push_back(KernelCount{"missed", "recursion", MissedForGood(status.programs), 0});
    return status;
  }

  Result<> SetVerdict(std::uint32_t pid, Verdict verdict) override {
    if (verdict == Verdict::kUnknown) {
      ForgetProcess(pid);
      return {};
    }
    const auto value = static_cast<std::uint32_t>(verdict);
    if (bpf_map_update_elem(verdicts_fd_, &pid, &value, BPF_ANY) != 0) {
      if (errno == E2BIG || errno == ENOSPC) {
        return Fail(ErrorCode::kResourceExhausted, "verdicts of processes: the table is full");
      }
      return FailErrno("set the verdict of a process", errno);
    }
    const auto [entry, fresh] = verdicts_.try_emplace(pid, Verdict::kUnknown);
    if ((entry->second == Verdict::kExclude) != (verdict == Verdict::kExclude)) JudgeAgain();
    entry->second = verdict;
    return {};
  }

  void ForgetProcess(std::uint32_t pid) override {
    const auto known = verdicts_.find(pid);
    if (known == verdicts_.end()) return;
    bpf_map_delete_elem(verdicts_fd_, &pid);
    if (known->second == Verdict::kExclude) JudgeAgain();
    verdicts_.erase(known);
  }

  Result<> SetPorts(const std::vector<std::uint16_t>& include,
                    const std::vector<std::uint16_t>& exclude) override {
    Fill(control_->include_port, include);
    Fill(control_->exclude_port, exclude);
    control_->ports_included = !include.empty();
    control_->ports_excluded = !exclude.empty();
    JudgeAgain();
    return {};
  }

  const std::string& own_groups() const override { return own_groups_; }

  bool ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit) override {
    return object_->ForEachHeldFile(visit);
  }

  void NoteTakenOver(std::uint64_t events) override { taken_over_ += events; }

  Result<> LeaveBehind(const std::string& directory, std::string_view state,
                       std::chrono::seconds hold) override {
    const auto cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
    return LeftBehind::Leave(directory, *object_, {cpus, reader_->capacity_bytes() / cpus}, state,
                             hold);
  }

 private:
  // Unix sockets end without a word. Those that are gone are looked for before a drain and told
  // after it, so that their last bytes come first.
  void FindGone() {
    const auto now = steady_clock::now();
    if (now < next_gone_ || !gone_.empty()) return;
    next_gone_ = now + kGonePeriod;
    object_->ForEachGoneUnixSocket([this](std::uint64_t id) { gone_.push_back(id); });
  }
  std::uint64_t TellGone(connection::EventHandler& handler) {
    if (gone_.empty()) return 0;
    connection::CloseEvent close{};
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    close.ts_ns = static_cast<std::uint64_t>(now.tv_sec) * 1000000000u +
                  static_cast<std::uint64_t>(now.tv_nsec);
    close.gone = true;
    for (const std::uint64_t id : gone_) {
      close.conn = connection::ConnectionId{id};
      handler.OnEvent(close);
    }
    const std::uint64_t count = gone_.size();
    told_gone_ += count;
    gone_.clear();
    return count;
  }

  template <std::size_t N>
  static void Fill(__u64 (&set)[N], const std::vector<std::uint16_t>& ports) {
    __u64 fresh[N]{};
    for (const std::uint16_t port : ports) fresh[port / 64] |= 1ull << (port % 64);
    std::memcpy(set, fresh, sizeof(fresh));
  }
  void JudgeAgain() { __atomic_fetch_add(&control_->generation, 1, __ATOMIC_RELEASE); }

  CaptureOptions options_;
  std::string backend_;
  std::unique_ptr<BpfObject> object_;
  std::unique_ptr<RingReader> reader_;
  ws_control* control_;  // mapped; ours to unmap
  UniqueFd statistics_;  // the kernel measures programs while it is open
  int verdicts_fd_;
  int counts_fd_;
  std::string own_groups_;
  FlatMap<std::uint32_t, Verdict> verdicts_{};
  std::uint64_t told_gone_ = 0;  // events that no record brought
  std::uint64_t taken_over_ = 0;
  milliseconds wait_ = kShortWait;
  steady_clock::time_point next_gone_{};
  std::vector<std::uint64_t> gone_{};  // at most as many as ws_unix_socks holds
};

Result<std::unique_ptr<LiveSource>> Start(const BpfObject::Spec& spec,
                                          const CaptureOptions& options) {
  BpfObject::Sizes sizes{};
  sizes.cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
  sizes.ring_size = AcceptedRingSize(RingSize(options.ring_bytes, sizes.cpus));
  sizes.head_max = options.head_bytes;
  sizes.http2_head_max = options.http2_head_bytes;
  sizes.self = static_cast<std::uint32_t>(getpid());
  sizes.max_sockets = options.max_sockets;
  sizes.max_processes = options.max_processes;
  auto object = BpfObject::Load(spec, sizes);
  if (!object) {
    log::Debug("libbpf: {}", TakeLibbpfLog());
    return tl::unexpected<Error>(std::move(object.error()));
  }
  auto reader = RingReader::Create((*object)->map_fd("ws_rings"), (*object)->map_fd("ws_side_ring"),
                                   sizes.cpus, sizes.ring_size);
  if (!reader) return tl::unexpected<Error>(std::move(reader.error()));
  void* control = mmap(nullptr, sizeof(ws_control), PROT_READ | PROT_WRITE, MAP_SHARED,
                       (*object)->map_fd(".data.control"), 0);
  if (control == MAP_FAILED) return FailErrno("map the control section", errno);
  UniqueFd statistics{};
  if (options.keep_statistics) statistics = UniqueFd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  BpfObject* programs = object->get();
  auto source = std::make_unique<Live>(options, std::string(spec.name), std::move(*object),
                                       std::move(*reader), static_cast<ws_control*>(control),
                                       std::move(statistics));
  for (const std::uint32_t pid : options.exclude_pids) {
    if (auto set = source->SetVerdict(pid, Verdict::kExclude); !set)
      return tl::unexpected<Error>(set.error());
  }
  if (auto set = source->SetPorts(options.include_ports, options.exclude_ports); !set) {
    return tl::unexpected<Error>(set.error());
  }
  if (auto attached = programs->Attach(); !attached)
    return tl::unexpected<Error>(std::move(attached.error()));
  if (options.splice_at_once) programs->AttachThoseOfSplice();
  return source;
}

// The first that misses nothing here, or nearly; where each does, or none works beside it, the
// first.
Result<std::unique_ptr<LiveSource>> StartTheBest(const CaptureOptions& options) {
  Error last{ErrorCode::kUnsupported, "no backend"};
  std::string_view first{};
  for (const std::string_view name : BackendNames()) {
    auto source = Start(*FindBackend(name), options);
    if (source) {
      const Misses misses = WhatItMisses(name, (*source)->Status());
      if (misses.why.empty() || misses.rarely) return source;
      log::Debug("capture: backend {}: {}", name, misses.why);
      if (first.empty()) first = name;
    } else {
      last = std::move(source.error());
      log::Debug("capture: {}", last.message);
    }
  }
  if (!first.empty()) return Start(*FindBackend(first), options);
  return Wrap("no capture backend works on this kernel; the last one tried said", std::move(last));
}

}  // namespace

Result<std::unique_ptr<LiveSource>> LiveSource::Create(const CaptureOptions& options) {
  if (options.head_bytes < 256 || options.head_bytes > 65536) {
    return Fail(ErrorCode::kInvalidArgument, "capture.head_bytes must be between 256 and 65536");
  }
  if (options.http2_head_bytes < 256 || options.http2_head_bytes > 1u << 20) {
    return Fail(ErrorCode::kInvalidArgument,
                "capture.http2_head_bytes must be between 256 and 1048576");
  }
  if (options.max_processes == 0 || options.max_sockets == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "capture.max_processes and capture.max_sockets must not be 0");
  }
  if (options.backend != "auto" && FindBackend(options.backend) == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("capture.backend \"{}\" is not one of auto, {}", options.backend,
                            fmt::join(BackendNames(), ", ")));
  }
  if (auto ground = CheckGround(); !ground) return tl::unexpected<Error>(std::move(ground.error()));
  if (options.backend != "auto") return Start(*FindBackend(options.backend), options);
  return StartTheBest(options);
}

}  // namespace wirespan::kernel
