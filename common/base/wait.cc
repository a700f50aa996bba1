#include "common/base/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace wirespan {
namespace {

bool Readable(int fd, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    const int wait_ms =
        left.count() <= 0 ? 0 : static_cast<int>(std::min<long long>(left.count(), 1 << 30));
    const int ready = ::poll(&entry, 1, wait_ms);
    if (ready > 0) return true;
    if (ready == 0 && wait_ms == 0) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Result<Wakeup> Wakeup::Create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return FailErrno("eventfd", errno);
  return Wakeup(std::move(fd));
}

void Wakeup::Notify() const {
  const std::uint64_t one = 1;
  // EAGAIN means that it is notified 2^64 times already.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof(one));
}

void Wakeup::Drain() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof(count));
}

bool Wakeup::WaitFor(std::chrono::milliseconds timeout) const {
  if (!Readable(fd_.get(), timeout)) return false;
  Drain();
  return true;
}

Result<SignalWaiter> SignalWaiter::Create(std::initializer_list<int> signals) {
  static_assert(sizeof(sigset_t) <= sizeof(Mask));
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  sigset_t old;
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, &old); error != 0) {
    return FailErrno("block signals", error);
  }
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) {
    const int error = errno;
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return FailErrno("signalfd", error);
  }
  Mask mask;
  std::memcpy(mask.bytes, &old, sizeof(old));
  return SignalWaiter(std::move(fd), mask);
}

SignalWaiter::~SignalWaiter() {
  if (!fd_.valid()) return;
  sigset_t old;
  std::memcpy(&old, old_.bytes, sizeof(old));
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

std::optional<int> SignalWaiter::WaitFor(std::chrono::milliseconds timeout) const {
  if (!Readable(fd_.get(), timeout)) return std::nullopt;
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info)))
    return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace wirespan
