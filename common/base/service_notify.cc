#include "common/base/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace wirespan {
namespace {

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

}  // namespace

ServiceNotify ServiceNotify::FromEnvironment() {
  const std::string path = TakeVariable("NOTIFY_SOCKET");
  const std::string watchdog = TakeVariable("WATCHDOG_USEC");
  const std::string watched = TakeVariable("WATCHDOG_PID");
  const bool ours = watched.empty() || ParseUint(watched) == static_cast<std::uint64_t>(::getpid());
  return ServiceNotify(path, std::chrono::microseconds(ours ? ParseUint(watchdog).value_or(0) : 0));
}

Result<> ServiceNotify::Ready(std::string_view status) const {
  return Send("READY=1\nSTATUS=" + std::string(status));
}

Result<> ServiceNotify::Stopping(std::string_view status) const {
  return Send("STOPPING=1\nSTATUS=" + std::string(status));
}

Result<> ServiceNotify::Reloading(std::chrono::microseconds monotonic) const {
  return Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic.count()));
}

Result<> ServiceNotify::Alive() const { return Send("WATCHDOG=1"); }

Result<> ServiceNotify::Send(std::string_view message) const {
  if (path_.empty()) return {};
  sockaddr_un address{};
  if (path_.size() >= sizeof(address.sun_path)) {
    return Fail(ErrorCode::kInvalidArgument, "NOTIFY_SOCKET: longer than an address can be");
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (path_.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const ssize_t sent =
      ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0)
    return Fail(ErrorCode::kUnavailable, "NOTIFY_SOCKET: " + std::string(std::strerror(errno)));
  return {};
}

}  // namespace wirespan
