#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "agent/connection/address.h"
#include "agent/protocol/piece.h"

// What the kernel side tells, as values: the only words that pass from agent/kernel (live or
// replayed) to the rest of the agent. Views point into the source's buffer and hold during the
// handler's call only.
namespace wirespan::connection {

// Names a socket for its whole life: survives dup, fork, SCM_RIGHTS and descriptor reuse. The
// kernel's socket cookie where it has one, otherwise a number of our own that no other socket of
// this run gets.
struct ConnectionId {
  std::uint64_t cookie = 0;
  friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ConnectionId& id) {
    return H::combine(std::move(h), id.cookie);
  }
};

enum class Direction : std::uint8_t {
  kRead = 0,
  kWrite = 1
};  // seen from the process that owns the socket

// Who opened the connection, by TCP's own counters or by the socket's history; not by ports.
enum class Opener : std::uint8_t { kUnknown, kLocal, kRemote };

// The first words of a socket, before its first bytes. `ts_ns` everywhere: CLOCK_MONOTONIC.
struct OpenEvent {
  ConnectionId conn{};
  std::uint64_t ts_ns = 0;
  std::uint32_t pid = 0;  // tgid, in the initial pid namespace
  std::uint32_t tid = 0;
  std::uint32_t netns = 0;  // inode number
  Opener opener = Opener::kUnknown;
  Endpoint local{};
  Endpoint remote{};
  // TCP: both initial sequence numbers, if the socket is plain TCP. They and the offsets of
  // DataEvent are the same at both ends (docs/format/wire-id.md).
  bool wire_known = false;
  std::uint32_t local_isn = 0;
  std::uint32_t remote_isn = 0;
  // AF_UNIX: the peer socket's cookie, 0 if unknown.
  std::uint64_t peer_cookie = 0;
  // The first bytes of this connection were sent before we looked: its first offsets are not the
  // start of a stream.
  bool joined_late = false;
};

// Bytes moved in one direction. Offsets count the direction's bytes from the connection's first one
// (TCP), or from the first one seen (other sockets). `captured` are the bytes at [offset, offset +
// captured.size()); the stream is known to have reached `end_offset` by then, so [offset +
// captured.size(), end_offset) is a gap that nobody will fill. One system call may come as several
// events (windows of interest in one long write); they share ts_ns.
struct DataEvent {
  ConnectionId conn{};
  std::uint64_t ts_ns = 0;     // when the call returned, or the hook ran inside it
  std::uint64_t start_ns = 0;  // when the call was entered; 0 where the backend can't tell
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  Direction direction = Direction::kRead;
  bool wire_exact =
      false;  // the TCP counters moved by exactly this call's bytes: offset is the wire's
  bool no_buffer = false;    // lengths only: sendfile, splice, io_uring, a fault
  bool frame_start = false;  // HTTP/2: the kernel takes the first byte for that of a frame header
  protocol::FrameRun run{};  // HTTP/2: all of it is such DATA frames, nothing is captured
  std::optional<protocol::HeaderCount> header_count{};
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
  std::string_view captured{};
};

// One direction ended (a read of 0, a FIN), or the socket is gone.
struct CloseEvent {
  ConnectionId conn{};
  std::uint64_t ts_ns = 0;
  bool read_ended = false;
  bool write_ended = false;
  bool gone = false;   // no more events of this socket will come
  bool reset = false;  // by an error (RST), not an orderly end
  // Where each direction's bytes end, if known (0: not). Bytes before it that no event told of are
  // a gap, so that a lost answer is not taken for none.
  std::uint64_t read_end_offset = 0;
  std::uint64_t write_end_offset = 0;
};

// The kernel saw a TLS ClientHello first and will say nothing more of this connection. `hello` is
// its captured prefix.
struct TlsEvent {
  ConnectionId conn{};
  std::uint64_t ts_ns = 0;
  std::uint32_t pid = 0;
  Direction direction = Direction::kRead;
  std::string_view hello{};
};

// A process began to run another program (exec). It may be gone by the time this is read.
struct ExecEvent {
  std::uint64_t ts_ns = 0;
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  // Its control groups then: lines as of /proc/PID/cgroup, with absolute paths. Of version 2,
  // memory and pids; a hierarchy that is not told is left out.
  std::string_view groups{};
  std::string_view filename{};
  std::string_view arguments{};  // NUL-separated, possibly cut
};

struct ExitEvent {
  std::uint64_t ts_ns = 0;
  std::uint32_t pid = 0;  // the whole process (its last thread) ended
};

using Event = std::variant<OpenEvent, DataEvent, CloseEvent, TlsEvent, ExecEvent, ExitEvent>;

// Takes events in the order of the source: for one direction of one connection mostly in order of
// offsets, between directions in no order that may be relied upon. Called on the source's thread;
// must not block.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  virtual void OnEvent(const Event& event) = 0;
};

}  // namespace wirespan::connection
