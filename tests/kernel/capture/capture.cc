#include "tests/kernel/capture/capture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <ranges>
#include <stdexcept>
#include <unordered_set>

namespace wirespan::kernel_test {
namespace {

constexpr std::size_t kArenaBytes = 2ull
                                    << 30;  // of address space; only what is written takes memory
constexpr std::uint32_t kMaxOwn = 65536;

// The processes that count as the test's; shared with every watcher that is forked later.
struct OwnProcesses {
  std::atomic<std::uint32_t> count = 0;
  std::array<std::atomic<std::uint32_t>, kMaxOwn> pids{};
};

void* Shared(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  return memory;
}

OwnProcesses& Own() {
  static auto* own = new (Shared(sizeof(OwnProcesses))) OwnProcesses;
  return *own;
}

bool ReadAll(int fd, void* into, std::size_t bytes) {
  auto* at = static_cast<char*>(into);
  while (bytes > 0) {
    const auto n = read(fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

void WriteAll(int fd, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const auto n = write(fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

// On both pipes: a letter, a length, so many bytes.
void SendMessage(int fd, char kind, std::string_view text) {
  std::string message(1, kind);
  const auto size = static_cast<std::uint32_t>(text.size());
  message.append(reinterpret_cast<const char*>(&size), sizeof(size));
  message.append(text);
  WriteAll(fd, message.data(), message.size());
}

bool ReceiveMessage(int fd, char& kind, std::string& text) {
  std::uint32_t size = 0;
  if (!ReadAll(fd, &kind, 1) || !ReadAll(fd, &size, sizeof(size))) return false;
  text.resize(size);
  return ReadAll(fd, text.data(), size);
}

template <class T>
std::string_view AsBytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

}  // namespace

void AddOwnProcess(pid_t pid) {
  auto& own = Own();
  const auto slot = own.count.load();
  own.pids[slot % kMaxOwn] = static_cast<std::uint32_t>(pid);
  own.count = slot + 1;
}

// What the watcher writes and the test reads, at the same address in both. A slot is an event whose
// views point into the arena; a Unix path is kept beside it, because a std::string may own memory
// that only one of the two has.
struct Capture::Arena {
  std::atomic<std::uint64_t> used = 0;
  std::atomic<bool> full = false;

  struct Slot {
    std::uint64_t size = 0;
    connection::Event event{};
    std::string_view local_path{};
    std::string_view remote_path{};
  };
  static constexpr std::size_t kStart = 4096;
  char* base() { return reinterpret_cast<char*>(this); }
};

namespace {

template <class ArenaT>
class Recorder : public connection::EventHandler {
 public:
  explicit Recorder(ArenaT& arena) : arena_(arena) {}

  void OnEvent(const connection::Event& event) override {
    if (!std::visit([this](const auto& e) { return Wanted(e); }, event)) return;
    at_ = arena_.used.load();
    if (at_ + sizeof(Slot) + (1u << 20) > kArenaBytes) {
      arena_.full = true;
      return;
    }
    const auto start = at_;
    at_ += sizeof(Slot);
    auto* slot = new (arena_.base() + start) Slot;
    std::visit([&](const auto& e) { Store(*slot, e); }, event);
    at_ = (at_ + 63) & ~std::uint64_t{63};
    slot->size = at_ - start;
    arena_.used = at_;
  }

 private:
  using Slot = typename ArenaT::Slot;

  bool Mine(std::uint32_t pid) {
    auto& own = Own();
    for (auto count = own.count.load(); known_ < count; ++known_)
      own_.insert(own.pids[known_ % kMaxOwn]);
    return own_.contains(pid);
  }
  // A socket is the test's if a process of the test had its first or any later bytes.
  bool MineOrOf(std::uint32_t pid, connection::ConnectionId id) {
    if (connections_.contains(id.cookie)) return true;
    if (!Mine(pid)) return false;
    connections_.insert(id.cookie);
    return true;
  }
  bool Wanted(const connection::OpenEvent& e) { return MineOrOf(e.pid, e.conn) || e.pid == 0; }
  bool Wanted(const connection::DataEvent& e) { return MineOrOf(e.pid, e.conn); }
  bool Wanted(const connection::TlsEvent& e) { return MineOrOf(e.pid, e.conn); }
  bool Wanted(const connection::CloseEvent& e) { return connections_.contains(e.conn.cookie); }
  bool Wanted(const connection::ExecEvent& e) { return Mine(e.pid); }
  bool Wanted(const connection::ExitEvent& e) { return Mine(e.pid); }

  std::string_view Keep(std::string_view bytes) {
    char* into = arena_.base() + at_;
    if (!bytes.empty()) std::memcpy(into, bytes.data(), bytes.size());
    at_ += bytes.size();
    return {into, bytes.size()};
  }
  void Store(Slot& slot, connection::OpenEvent e) {
    slot.local_path = Keep(std::exchange(e.local.path, {}));
    slot.remote_path = Keep(std::exchange(e.remote.path, {}));
    slot.event = e;
  }
  void Store(Slot& slot, connection::DataEvent e) {
    e.captured = Keep(e.captured);
    slot.event = e;
  }
  void Store(Slot& slot, connection::TlsEvent e) {
    e.hello = Keep(e.hello);
    slot.event = e;
  }
  void Store(Slot& slot, connection::ExecEvent e) {
    e.groups = Keep(e.groups);
    e.filename = Keep(e.filename);
    e.arguments = Keep(e.arguments);
    slot.event = e;
  }
  void Store(Slot& slot, const auto& e) { slot.event = e; }

  ArenaT& arena_;
  std::uint64_t at_ = 0;
  std::uint32_t known_ = 0;
  std::unordered_set<std::uint32_t> own_{};
  std::unordered_set<std::uint64_t> connections_{};
};

std::string CountsAsText(kernel::LiveSource& source) {
  std::string text;
  for (const auto& count : source.Status().counts) {
    text += count.name + '\t' + count.reason + '\t' + std::to_string(count.events) + '\t' +
            std::to_string(count.bytes) + '\n';
  }
  return text;
}

// Whether it was everything; then each file, and the bytes of its path.
std::string HeldFilesAsBytes(kernel::LiveSource& source) {
  std::string bytes(1, 'n');
  const bool whole = source.ForEachHeldFile([&](const process::HeldFile& file) {
    bytes += AsBytes(file);
    bytes += file.path;
  });
  if (whole) bytes[0] = 'y';
  return bytes;
}

void SetPortsFrom(kernel::LiveSource& source, std::string_view text) {
  std::vector<std::uint16_t> lists[2];
  int list = 0;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint16_t port;
    std::memcpy(&port, text.data() + i, 2);
    if (port == 0) {
      list = 1;
    } else {
      lists[list].push_back(port);
    }
  }
  if (auto set = source.SetPorts(lists[0], lists[1]); !set)
    std::fprintf(stderr, "SetPorts: %s\n", set.error().message.c_str());
}

// The watcher's loop: reads the ring, and does what the test asks for.
template <class ArenaT>
void Watch(kernel::LiveSource& source, ArenaT& arena, int commands, int replies) {
  Recorder<ArenaT> recorder(arena);
  bool paused = false;
  while (true) {
    pollfd waiting{.fd = commands, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, paused ? -1 : 0) <= 0) {
      if (!source.Poll(recorder, std::chrono::milliseconds(2))) return;
      continue;
    }
    char kind = 0;
    std::string text;
    if (!ReceiveMessage(commands, kind, text)) return;
    std::string reply;
    switch (kind) {
      case 's':
        for (int empty = 0, rounds = 0; !paused && empty < 2 && rounds < 10000; ++rounds) {
          auto polled = source.Poll(recorder, std::chrono::milliseconds(0));
          if (!polled) return;
          empty = *polled == 0 ? empty + 1 : 0;
        }
        break;
      case 'p':
        paused = true;
        break;
      case 'r':
        paused = false;
        break;
      case 'c':
        reply = CountsAsText(source);
        break;
      case 'h':
        reply = HeldFilesAsBytes(source);
        break;
      case 'v': {
        std::uint32_t pid;
        std::memcpy(&pid, text.data(), 4);
        if (auto set = source.SetVerdict(pid, static_cast<kernel::Verdict>(text[4])); !set) {
          std::fprintf(stderr, "SetVerdict: %s\n", set.error().message.c_str());
        }
        break;
      }
      case 'o':
        SetPortsFrom(source, text);
        break;
      default:
        return;
    }
    SendMessage(replies, kind, reply);
  }
}

}  // namespace

Result<std::unique_ptr<Capture>> Capture::Start(const kernel::CaptureOptions& options) {
  static const bool registered = (AddOwnProcess(getpid()), true);
  (void)registered;
  std::unique_ptr<Capture> capture(new Capture);
  capture->arena_ = new (Shared(kArenaBytes)) Arena;
  capture->arena_->used = Arena::kStart;
  capture->taken_ = Arena::kStart;
  int down[2], up[2];
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) return FailErrno("pipe", errno);
  std::fflush(nullptr);
  capture->watcher_ = fork();
  if (capture->watcher_ < 0) return FailErrno("fork", errno);
  if (capture->watcher_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Not one socket of the test may live longer because of this process.
    dup2(down[0], 100);
    dup2(up[1], 101);
    close_range(3, 99, 0);
    close_range(102, ~0u, 0);
    auto source = kernel::LiveSource::Create(options);
    if (!source) {
      SendMessage(101, static_cast<char>('0' + static_cast<int>(source.error().code)),
                  source.error().message);
      _exit(1);
    }
    SendMessage(101, '+', {});
    Watch(**source, *capture->arena_, 100, 101);
    source->reset();
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  capture->commands_ = down[1];
  capture->replies_ = up[0];
  char kind = 0;
  std::string text;
  if (!ReceiveMessage(capture->replies_, kind, text))
    return Fail(ErrorCode::kUnknown, "the watcher died while starting");
  if (kind != '+') {
    close(std::exchange(capture->commands_, -1));  // nobody is there to be told to stop
    return Fail(static_cast<ErrorCode>(kind - '0'), text);
  }
  return capture;
}

Capture::~Capture() {
  // By a word: a child of the test may still hold this pipe's end open.
  if (commands_ >= 0) {
    SendMessage(commands_, 'q', {});
    close(commands_);
  }
  if (replies_ >= 0) close(replies_);
  if (watcher_ > 0) waitpid(watcher_, nullptr, 0);
  events_.clear();
  munmap(static_cast<void*>(arena_), kArenaBytes);
}

std::string Capture::Ask(char command, std::string_view argument) {
  SendMessage(commands_, command, argument);
  char kind = 0;
  std::string text;
  if (!ReceiveMessage(replies_, kind, text)) throw std::runtime_error("the watcher died");
  return text;
}

void Capture::Take() {
  const auto used = arena_->used.load();
  while (taken_ < used) {
    const auto& slot = *reinterpret_cast<const Arena::Slot*>(arena_->base() + taken_);
    taken_ += slot.size;
    auto event = slot.event;
    if (auto* open = std::get_if<connection::OpenEvent>(&event)) {
      open->local.path = slot.local_path;
      open->remote.path = slot.remote_path;
    }
    events_.push_back(std::move(event));
  }
  if (arena_->full) throw std::runtime_error("the arena of the test is full");
}

void Capture::Restart() {
  Sync();
  events_.clear();
}

void Capture::Sync() {
  Ask('s');
  Take();
}

namespace {

// On emulated machines everything takes longer: WIRESPAN_TEST_PATIENCE says how many times.
std::chrono::seconds Patience() {
  const char* times = std::getenv("WIRESPAN_TEST_PATIENCE");
  return std::chrono::seconds(15) * (times == nullptr ? 1 : std::max(1, std::atoi(times)));
}

}  // namespace

bool Capture::WaitFor(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + Patience();
  while (true) {
    Sync();
    if (done()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 2);
  }
}

void Capture::Pause() { Ask('p'); }
void Capture::Resume() { Ask('r'); }

void Capture::SetVerdict(pid_t pid, kernel::Verdict verdict) {
  std::string text(AsBytes(static_cast<std::uint32_t>(pid)));
  text += static_cast<char>(verdict);
  Ask('v', text);
}

void Capture::SetPorts(std::vector<std::uint16_t> include, std::vector<std::uint16_t> exclude) {
  std::string text;
  for (auto port : include) text += AsBytes(port);
  text += AsBytes(std::uint16_t{0});
  for (auto port : exclude) text += AsBytes(port);
  Ask('o', text);
}

std::vector<Seen> Capture::Connections() const {
  std::vector<Seen> all;
  std::map<std::uint64_t, std::size_t> index;
  const auto of = [&](connection::ConnectionId id) -> Seen* {
    const auto found = index.find(id.cookie);
    return found == index.end() ? nullptr : &all[found->second];
  };
  for (const auto& event : events_) {
    if (const auto* open = std::get_if<connection::OpenEvent>(&event)) {
      index[open->conn.cookie] = all.size();
      all.push_back({.open = *open});
    } else if (const auto* data = std::get_if<connection::DataEvent>(&event)) {
      auto* seen = of(data->conn);
      if (seen == nullptr) continue;
      (data->direction == connection::Direction::kRead ? seen->read : seen->written).Add(*data);
    } else if (const auto* tls = std::get_if<connection::TlsEvent>(&event)) {
      if (auto* seen = of(tls->conn)) seen->tls.push_back(*tls);
    } else if (const auto* close = std::get_if<connection::CloseEvent>(&event)) {
      if (auto* seen = of(close->conn)) {
        seen->closes.push_back(*close);
        seen->gone = seen->gone || close->gone;
      }
    }
  }
  return all;
}

std::optional<Seen> Capture::Find(const SocketName& name) const {
  auto all = Connections();
  for (auto& seen : std::views::reverse(all)) {
    const bool same = name.by_cookie
                          ? seen.open.conn.cookie == name.cookie
                          : seen.open.local == name.local && seen.open.remote == name.remote;
    if (same) return std::move(seen);
  }
  return std::nullopt;
}

std::map<std::pair<std::string, std::string>, Count> Capture::Counts() {
  std::map<std::pair<std::string, std::string>, Count> counts;
  const auto text = Ask('c');
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    const auto line = text.substr(at, end - at);
    at = end + 1;
    const auto a = line.find('\t'), b = line.find('\t', a + 1), c = line.find('\t', b + 1);
    counts[{line.substr(0, a), line.substr(a + 1, b - a - 1)}] = {
        std::stoull(line.substr(b + 1, c - b - 1)), std::stoull(line.substr(c + 1))};
  }
  return counts;
}

bool Capture::ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit) {
  const std::string bytes = Ask('h');
  process::HeldFile file;
  for (std::size_t at = 1; at < bytes.size(); at += sizeof(file) + file.path.size()) {
    std::memcpy(static_cast<void*>(&file), bytes.data() + at, sizeof(file));
    file.path = std::string_view(bytes).substr(at + sizeof(file), file.path.size());
    visit(file);
  }
  return bytes[0] == 'y';
}

Count Capture::CountOf(std::string_view reason) {
  Count sum;
  for (const auto& [key, count] : Counts()) {
    if (key.second != reason) continue;
    sum.events += count.events;
    sum.bytes += count.bytes;
  }
  return sum;
}

}  // namespace wirespan::kernel_test
