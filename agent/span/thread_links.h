#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "common/base/flat_map.h"

namespace wirespan::span {

// Decides whether a thread proves that a client exchange belongs to a server exchange. A thread
// proves it only while it behaves as one that serves one request at a time and waits for what it
// calls:
//
//   evidence seen                                            the thread links no more
//   a second exchange begins while one is open, other than
//     one call nested in one server exchange                 ever ("two open at once")
//   its call's answer is read by another thread              ever
//   it makes a call outside any server exchange, after it
//     has served one (background work)                       ever
//   the same before it served its first one                  until it has served 100 in a row
//   without its server exchange is answered by another thread        ever, and so all threads of
//   that process
//
// HTTP/2 proves nothing in either direction: the frames of all streams of a connection are read and
// written by whichever thread is at it. Its exchanges link to none by thread, and a thread that
// carries requests or answers of its streams works for many, so that it links no more (ever).
//
// `ever` lasts as long as the thread is remembered: kMaxThreads, those that prove nothing are
// forgotten last. Pipeline thread only.
class ThreadLinks {
 public:
  using Slot = std::uint32_t;  // of the caller; names an open server exchange
  static constexpr Slot kNone = ~Slot{0};
  static constexpr std::size_t kMaxThreads = 65536;

  void BeginServer(std::uint32_t pid, std::uint32_t tid, Slot slot, std::uint64_t now_ns);
  // The open server exchange that this call may belong to; only EndServer says if it does.
  Slot BeginClient(std::uint32_t pid, std::uint32_t tid, std::uint64_t now_ns);
  // `tid` as at the beginning. `response_tid` 0: no response. True: the calls that named this
  // exchange belong to it.
  bool EndServer(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid, Slot slot,
                 std::uint64_t now_ns);
  // True: the call was made and its answer read by one thread.
  bool EndClient(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid,
                 std::uint64_t now_ns);

  // An HTTP/2 server exchange begins, or ends, at this thread.
  void CarryStream(std::uint32_t pid, std::uint32_t tid, std::uint64_t now_ns);
  void EndStream(std::uint32_t pid, std::uint32_t tid, std::uint32_t response_tid,
                 std::uint64_t now_ns);

  void OnProcessExit(std::uint32_t pid, std::uint64_t now_ns);
  // Forgets idle threads, now and then.
  void Tick(std::uint64_t now_ns);
  std::size_t size() const { return threads_.size(); }

 private:
  struct Thread {
    std::uint64_t last_ns = 0;
    std::uint32_t open_servers = 0;
    std::uint32_t open_clients = 0;
    Slot server = kNone;             // the only open one
    std::uint16_t clean_needed = 0;  // server exchanges yet to serve without a call outside
    bool served = false;
    bool never = false;
  };
  using Key = std::uint64_t;
  static Key KeyOf(std::uint32_t pid, std::uint32_t tid) { return std::uint64_t{pid} << 32 | tid; }
  Thread* Find(std::uint32_t pid, std::uint32_t tid, std::uint64_t now_ns, bool create);
  void NoteAsynchronous(std::uint32_t pid);
  void Sweep(std::uint64_t now_ns, std::uint64_t idle_ns, bool marked_too);

  FlatMap<Key, Thread> threads_;
  FlatSet<std::uint32_t> asynchronous_;  // processes
  FlatMap<std::uint32_t, std::uint64_t>
      exited_;  // pid -> when; threads older than that are another process's
  std::deque<std::pair<std::uint64_t, std::uint32_t>>
      exits_;  // the same by time, kept a minute or kMaxThreads
  std::uint64_t swept_ns_ = 0;
};

}  // namespace wirespan::span
