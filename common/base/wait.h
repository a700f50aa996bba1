#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace wirespan {

// Wakes a thread that sleeps in poll/epoll: an eventfd. Notify() from any thread, and from a signal
// handler.
class Wakeup {
 public:
  static Result<Wakeup> Create();
  int fd() const { return fd_.get(); }  // readable after Notify(), until Drain()
  void Notify() const;
  void Drain() const;
  // True: notified (and drained); false: time is up.
  bool WaitFor(std::chrono::milliseconds timeout) const;

 private:
  explicit Wakeup(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Signals as values: blocked for the calling thread and all it starts later (so create it first in
// main), read from a signalfd. The old mask comes back when it is destroyed, on the same thread.
class SignalWaiter {
 public:
  static Result<SignalWaiter> Create(std::initializer_list<int> signals);
  SignalWaiter(SignalWaiter&&) = default;
  SignalWaiter& operator=(SignalWaiter&&) = delete;
  ~SignalWaiter();
  int fd() const { return fd_.get(); }
  // The signal's number; nullopt: none came in time.
  std::optional<int> WaitFor(std::chrono::milliseconds timeout) const;

 private:
  struct Mask {  // sigset_t, kept out of the header
    alignas(8) unsigned char bytes[128] = {};
  };
  SignalWaiter(UniqueFd fd, const Mask& old) : fd_(std::move(fd)), old_(old) {}
  UniqueFd fd_;
  Mask old_;
};

}  // namespace wirespan
