#include "gateway/ingest/connection_feeder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/telemetry/log.h"

namespace wirespan::gateway {

Result<std::unique_ptr<ConnectionFeeder>> ConnectionFeeder::Start(
    std::shared_ptr<const http::Listening> socket, std::function<void(int fd)> take) {
  auto wakeup = Wakeup::Create();
  if (!wakeup) return tl::unexpected(wakeup.error());
  std::unique_ptr<ConnectionFeeder> feeder(
      new ConnectionFeeder(std::move(socket), std::move(*wakeup), std::move(take)));
  feeder->thread_ =
      std::jthread([raw = feeder.get()](const std::stop_token& stop) { raw->Run(stop); });
  return feeder;
}

ConnectionFeeder::ConnectionFeeder(std::shared_ptr<const http::Listening> socket, Wakeup wakeup,
                                   std::function<void(int fd)> take)
    : socket_(std::move(socket)), wakeup_(std::move(wakeup)), take_(std::move(take)) {}

void ConnectionFeeder::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wakeup_.Notify();
  thread_.join();
}

void ConnectionFeeder::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd fds[] = {{.fd = socket_->fd.get(), .events = POLLIN, .revents = 0},
                    {.fd = wakeup_.fd(), .events = POLLIN, .revents = 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if ((fds[0].revents & POLLIN) == 0) continue;
    const int fd = ::accept4(socket_->fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      const int on = 1;
      if (socket_->family != AF_UNIX) {
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      }
      take_(fd);
      continue;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) continue;
    // No descriptor left: wait, so as not to spin.
    log::WriteLimited(log::Level::kWarn, "grpc-accept",
                      std::string("grpc receiver: accept failed: ") + std::strerror(errno));
    static_cast<void>(wakeup_.WaitFor(std::chrono::milliseconds(50)));
  }
}

}  // namespace wirespan::gateway
