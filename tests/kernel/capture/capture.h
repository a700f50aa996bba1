#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connection/event.h"
#include "agent/kernel/live_source.h"
#include "agent/process/held_file.h"
#include "common/base/result.h"
#include "tests/kernel/capture/sockets.h"
#include "tests/kernel/capture/stream.h"

namespace wirespan::kernel_test {

// Everything that was told of one socket.
struct Seen {
  connection::OpenEvent open{};
  Stream read{};
  Stream written{};
  std::vector<connection::TlsEvent> tls{};
  std::vector<connection::CloseEvent> closes{};
  bool gone = false;

  const Stream& In(connection::Direction direction) const {
    return direction == connection::Direction::kRead ? read : written;
  }
};

struct Count {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
};

// A live source in a process of its own, because a source never shows the process that holds it: so
// a test moves bytes itself and reads here what the kernel told of it. Events of processes that are
// not the test's are left out. Used by one thread.
class Capture {
 public:
  // The errors of LiveSource::Create.
  static Result<std::unique_ptr<Capture>> Start(const kernel::CaptureOptions& options);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Events from here on: what came before is forgotten.
  void Restart();
  // Hands over what the kernel has by now.
  void Sync();
  // Syncs until `done` is true; false when the deadline (15 s) is over.
  bool WaitFor(const std::function<bool()>& done);

  // Stops and resumes reading the ring.
  void Pause();
  void Resume();
  void SetVerdict(pid_t pid, kernel::Verdict verdict);
  void SetPorts(std::vector<std::uint16_t> include, std::vector<std::uint16_t> exclude);

  // The newest connection by that name, if it was told of.
  std::optional<Seen> Find(const SocketName& name) const;
  // All connections of the test's processes, oldest first.
  std::vector<Seen> Connections() const;
  // Everything since Restart, in order.
  const std::deque<connection::Event>& events() const { return events_; }

  // The source's counters since it was loaded, by (name, reason); Total sums a name over its
  // reasons.
  std::map<std::pair<std::string, std::string>, Count> Counts();
  Count CountOf(std::string_view reason);
  // The source's LiveSource::ForEachHeldFile.
  bool ForEachHeldFile(const std::function<void(const process::HeldFile&)>& visit);
  pid_t watcher_pid() const { return watcher_; }

 private:
  struct Arena;
  Capture() = default;
  std::string Ask(char command, std::string_view argument = {});
  void Take();

  Arena* arena_ = nullptr;
  std::uint64_t taken_ = 0;  // of the arena, bytes
  std::deque<connection::Event> events_{};
  pid_t watcher_ = -1;
  int commands_ = -1;
  int replies_ = -1;
};

// Makes a process count as the test's own. The test's own process does from the start; Child does
// it for its children.
void AddOwnProcess(pid_t pid);

}  // namespace wirespan::kernel_test
