#include "agent/kernel/left_behind.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "agent/kernel/bpf_object.h"
#include "bpf/abi/counter.h"
#include "bpf/abi/event.h"
#include "bpf/abi/settings.h"
#include "common/telemetry/log.h"

namespace wirespan::kernel {
namespace {

constexpr std::uint64_t kMagic = 0x315446454c505357;  // "WSPLEFT1"
constexpr std::uint32_t kStateElement = 64u << 10;
constexpr std::size_t kMaxState = 32u << 20;
// The last second of the time that pins may stay: nobody takes them over any more, and the programs
// end.
constexpr std::uint64_t kEndingNs = 1'000'000'000;

// In front of the state, in the pinned map.
struct Head {
  std::uint64_t magic = kMagic;
  std::uint64_t left_ns = 0;  // CLOCK_MONOTONIC; pins don't survive a boot, neither does this clock
  std::uint64_t until_ns = 0;
  std::uint64_t ring_size = 0;
  std::uint64_t state_size = 0;
  std::uint32_t cpus = 0;
  std::uint32_t abi = 0;
};

// Changes whenever records or maps do.
constexpr std::uint32_t kAbi = WS_COUNTERS * 0x1000000u + sizeof(ws_data) * 0x10000u +
                               sizeof(ws_open) * 0x100u + sizeof(ws_close) + WS_EVENT_FRAMES +
                               WS_GROUPS_TEXT;

std::uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// A pinned array as memory.
class Mapped {
 public:
  Mapped(int fd, std::size_t size)
      : size_(size), bytes_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {}
  ~Mapped() {
    if (ok()) munmap(bytes_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  bool ok() const { return bytes_ != MAP_FAILED; }
  char* bytes() const { return static_cast<char*>(bytes_); }

 private:
  std::size_t size_;
  void* bytes_;
};

Result<> PinState(const std::string& path, const Head& head, std::string_view state) {
  const std::size_t size = sizeof(head) + state.size();
  const auto elements = static_cast<std::uint32_t>((size + kStateElement - 1) / kStateElement);
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ws_state", sizeof(__u32), kStateElement,
                                    elements, &options));
  if (!map.valid()) return FailErrno("make the map of what is left", errno);
  const Mapped memory(map.get(), std::size_t{elements} * kStateElement);
  if (!memory.ok()) return FailErrno("map what is left", errno);
  std::memcpy(memory.bytes(), &head, sizeof(head));
  std::memcpy(memory.bytes() + sizeof(head), state.data(), state.size());
  if (bpf_obj_pin(map.get(), path.c_str()) != 0) return FailErrno("pin what is left", errno);
  return {};
}

// False: no state that this version may use.
bool ReadState(const std::string& path, Head& head, std::string& state) {
  const UniqueFd map(bpf_obj_get(path.c_str()));
  if (!map.valid()) return false;
  bpf_map_info info{};
  std::uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0 || info.type != BPF_MAP_TYPE_ARRAY ||
      info.value_size != kStateElement || info.max_entries == 0 ||
      info.max_entries > kMaxState / kStateElement + 1) {
    return false;
  }
  const std::size_t bytes = std::size_t{info.max_entries} * kStateElement;
  const Mapped memory(map.get(), bytes);
  if (!memory.ok()) return false;
  std::memcpy(&head, memory.bytes(), sizeof(head));
  if (head.magic != kMagic || head.abi != kAbi || head.state_size > bytes - sizeof(head)) {
    return false;
  }
  state.assign(memory.bytes() + sizeof(head), head.state_size);
  return true;
}

// Forks a process that takes the pins away when their time is over. The next agent removes them
// first, as a rule, and the process ends with them: an account that is to be deleted has nothing
// running. Where this process is killed with its service, the programs still end by
// themselves, and the pins go with the next start or with `wirespan-agent release`.
void LeaveKeeper(const std::string& directory, std::uint64_t until_ns, std::uint64_t left_ns) {
  const std::string state_path = directory + "/state";
  const pid_t child = fork();
  if (child != 0) return;
  // One thread from here on, though the parent had others: nothing that may wait for one of them.
  setsid();
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_IGN);
  close_range(0, ~0u, 0);
  constexpr std::uint64_t kLookNs = 200'000'000;
  const timespec look{.tv_sec = 0, .tv_nsec = kLookNs};
  while (MonotonicNs() < until_ns + kEndingNs - kLookNs) {
    if (access(state_path.c_str(), F_OK) != 0) _exit(0);
    nanosleep(&look, nullptr);
  }
  Head head{};
  std::string state;
  if (ReadState(state_path, head, state) && head.left_ns == left_ns) LeftBehind::Remove(directory);
  _exit(0);
}

}  // namespace

Result<> LeftBehind::Leave(const std::string& directory, BpfObject& object, const Layout& layout,
                           std::string_view state, std::chrono::seconds hold) {
  if (state.size() > kMaxState)
    return Fail(ErrorCode::kResourceExhausted, "more is to be left than a map may hold");
  Remove(directory);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    const int error = errno;
    return error == ENOENT ? Fail(ErrorCode::kNotFound, directory + ": no such place")
                           : FailErrno("make " + directory, error);
  }
  struct statfs where{};
  if (statfs(directory.c_str(), &where) != 0 || where.f_type != BPF_FS_MAGIC) {
    Remove(directory);
    return Fail(ErrorCode::kNotFound, directory + " is in no BPF file system");
  }
  Head head{};
  head.left_ns = MonotonicNs();
  const std::uint64_t hold_ns = static_cast<std::uint64_t>(hold.count()) * 1000000000u;
  head.until_ns = head.left_ns + hold_ns - std::min(hold_ns, kEndingNs);
  head.ring_size = layout.ring_size;
  head.cpus = layout.cpus;
  head.state_size = state.size();
  head.abi = kAbi;
  Result<> pinned = object.Pin(directory);
  // Last, because it says that all is there.
  if (pinned) pinned = PinState(directory + "/state", head, state);
  if (!pinned) {
    Remove(directory);
    return pinned;
  }
  object.EndAt(head.until_ns / 1000000000u + 1);
  LeaveKeeper(directory, head.until_ns, head.left_ns);
  return {};
}

std::unique_ptr<LeftBehind> LeftBehind::Open(const std::string& directory, std::uint32_t self) {
  if (access(directory.c_str(), F_OK) != 0) return nullptr;
  std::unique_ptr<LeftBehind> left(new LeftBehind);
  left->directory_ = directory;
  Head head{};
  if (!ReadState(directory + "/state", head, left->state_)) return nullptr;
  if (MonotonicNs() >= head.until_ns) return nullptr;
  left->rings_ = UniqueFd(bpf_obj_get((directory + "/rings").c_str()));
  left->side_ring_ = UniqueFd(bpf_obj_get((directory + "/side_ring").c_str()));
  if (!left->rings_.valid() || !left->side_ring_.valid()) return nullptr;
  const UniqueFd verdicts(bpf_obj_get((directory + "/verdicts").c_str()));
  if (verdicts.valid()) {
    const std::uint32_t exclude = WS_VERDICT_EXCLUDE;
    bpf_map_update_elem(verdicts.get(), &self, &exclude, BPF_ANY);
  }
  auto reader =
      RingReader::Continue(left->rings_.get(), left->side_ring_.get(), head.cpus, head.ring_size);
  if (!reader) return nullptr;
  left->reader_ = std::move(*reader);
  return left;
}

LeftBehind::~LeftBehind() { Release(); }

std::uint64_t LeftBehind::Drain(connection::EventHandler& handler) {
  if (!reader_) return 0;
  std::uint64_t count = reader_->Drain(handler);
  while (reader_->held_back()) count += reader_->Drain(handler);  // ends: its patience does
  return count;
}

void LeftBehind::Release() { Remove(directory_); }

void LeftBehind::Remove(const std::string& directory) {
  DIR* folder = opendir(directory.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
  rmdir(directory.c_str());
}

}  // namespace wirespan::kernel
