#include "common/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>

#include "common/http/listen.h"
#include "common/http/server_core.h"
#include "common/http/server_transport.h"
#include "common/telemetry/log.h"

namespace wirespan::http {
namespace internal {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

std::string PeerOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

class RunningServer final : public Server {
 public:
  RunningServer(std::shared_ptr<Core> core, Listening listening,
                std::shared_ptr<asio::ssl::context> tls)
      : core_(std::move(core)),
        port_(listening.port),
        tcp_(listening.family != AF_UNIX),
        tls_(std::move(tls)),
        work_(asio::make_work_guard(*core_->context)),
        accept_strand_(asio::make_strand(*core_->context)),
        acceptor_(std::make_unique<Acceptor>(
            accept_strand_,
            asio::generic::stream_protocol(listening.family, tcp_ ? IPPROTO_TCP : 0),
            listening.fd.get())),
        pause_(std::make_unique<asio::steady_timer>(accept_strand_)) {
    listening.fd.release();
    struct stat info{};
    if (!tcp_ && ::stat(core_->options.unix_path.c_str(), &info) == 0) socket_inode_ = info.st_ino;
    asio::post(accept_strand_, [this] { Accept(); });
    for (int i = 0; i < std::max(core_->options.threads, 1); ++i) {
      threads_.emplace_back([context = core_->context.get()] { context->run(); });
    }
  }

  ~RunningServer() override {
    Stop(std::chrono::milliseconds(0));
    acceptor_.reset();
    pause_.reset();
    work_.reset();
    accept_strand_ = {};
    core_->context.reset();  // destroys what is queued, and with it the sessions
  }

  std::uint16_t port() const override { return port_; }

  void StopAccepting() override {
    if (core_->leaving.exchange(true)) return;
    asio::post(accept_strand_, [this] {
      boost::system::error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (const auto& session : Sessions())
      core_->Post(session, [](SessionBase& one) { one.Leave(); });
  }

  void Stop(std::chrono::milliseconds grace) override {
    const std::lock_guard one_at_a_time(stop_mutex_);
    if (!core_->draining.exchange(true)) {
      asio::post(accept_strand_, [this] {
        boost::system::error_code ignored;
        acceptor_->close(ignored);
        pause_->cancel();
      });
      UnlinkSocket();
    }
    for (const auto& session : Sessions())
      core_->Post(session, [](SessionBase& one) { one.Drain(); });
    {
      std::unique_lock lock(core_->sessions_mutex);
      core_->no_sessions.wait_for(lock, grace, [&] { return core_->sessions.empty(); });
    }
    core_->stopped = true;
    for (const auto& session : Sessions())
      core_->Post(session, [](SessionBase& one) { one.Abort(); });
    core_->context->stop();
    threads_.clear();
    {
      const std::lock_guard lock(core_->post_mutex);
      core_->closed = true;
    }
    // What was posted above may not have run yet; with the threads gone it runs here.
    core_->context->restart();
    core_->context->poll();
  }

  ServerStats stats() const override {
    ServerStats stats;
    {
      const std::lock_guard lock(core_->sessions_mutex);
      stats.connections = core_->sessions.size();
    }
    stats.accepted = core_->accepted;
    stats.refused = core_->refused;
    stats.requests = core_->requests;
    stats.invalid = core_->invalid;
    stats.failed_handshakes = core_->failed_handshakes;
    stats.timeouts = core_->timeouts;
    stats.http2_connections = core_->http2_connections;
    stats.http2_broken = core_->http2_broken;
    stats.http2_resets = core_->http2_resets;
    stats.aged = core_->aged;
    return stats;
  }

 private:
  std::vector<std::weak_ptr<SessionBase>> Sessions() const {
    std::vector<std::weak_ptr<SessionBase>> sessions;
    const std::lock_guard lock(core_->sessions_mutex);
    for (const auto& [key, session] : core_->sessions) sessions.push_back(session);
    return sessions;
  }

  void Accept() {
    if (core_->draining || core_->leaving) return;
    acceptor_->async_accept(asio::any_io_executor(asio::make_strand(*core_->context)),
                            [this](boost::system::error_code error, Socket socket) {
                              if (core_->draining || error == asio::error::operation_aborted)
                                return;
                              // Also one that was accepted just before we were told to leave.
                              if (!error) {
                                Serve(std::move(socket));
                                return Accept();
                              }
                              // No descriptor left, or the peer gave up: wait, so as not to spin.
                              log::WriteLimited(log::Level::kWarn, "http-server-accept",
                                                "http server: accept failed: " + error.message());
                              pause_->expires_after(std::chrono::milliseconds(50));
                              pause_->async_wait([this](boost::system::error_code) { Accept(); });
                            });
  }

  // On the accepting strand.
  void ReloadTls() {
    const auto& options = core_->options.tls;
    if (!options || options->reload_interval.count() <= 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - tls_read_ < options->reload_interval) return;
    tls_read_ = now;
    if (auto made = MakeServerTls(*options, core_->options.http2.has_value())) {
      tls_ = std::move(*made);
    } else {
      log::WriteLimited(log::Level::kWarn, "http-server-tls" + options->certificate_file,
                        "http server: " + made.error().message + "; going on with what was there");
    }
  }

  void Serve(Socket socket) {
    ++core_->accepted;
    ReloadTls();
    std::size_t open = 0;
    {
      const std::lock_guard lock(core_->sessions_mutex);
      open = core_->sessions.size();
    }
    if (open >= core_->options.max_connections) {
      ++core_->refused;
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: "
          "close\r\n\r\n";
      if (tls_ == nullptr) {
        static_cast<void>(::send(socket.native_handle(), kFull.data(), kFull.size(),
                                 MSG_DONTWAIT | MSG_NOSIGNAL));
      }
      return;
    }
    const int fd = socket.native_handle();
    if (tcp_) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    std::string peer = PeerOf(fd);
    auto session = MakeOpening(core_, std::move(peer),
                               tls_ == nullptr ? MakePlainTransport(std::move(socket))
                                               : MakeTlsTransport(std::move(socket), tls_));
    core_->Add(session);
    asio::post(session->executor(), [session] { session->Start(); });
  }

  void UnlinkSocket() {
    struct stat info{};
    const std::string& path = core_->options.unix_path;
    if (tcp_ || ::stat(path.c_str(), &info) != 0) return;
    if (info.st_ino == socket_inode_) ::unlink(path.c_str());  // not a successor's
  }

  const std::shared_ptr<Core> core_;
  const std::uint16_t port_;
  const bool tcp_;
  std::shared_ptr<asio::ssl::context> tls_;  // of the accepting strand; sessions keep their own
  std::chrono::steady_clock::time_point tls_read_ = std::chrono::steady_clock::now();
  ino_t socket_inode_ = 0;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::any_io_executor accept_strand_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> pause_;
  std::mutex stop_mutex_;  // one Stop at a time
  std::vector<std::jthread> threads_;
};

}  // namespace
}  // namespace internal

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Handler handler) {
  std::shared_ptr<boost::asio::ssl::context> tls;
  if (options.tls) {
    auto made = internal::MakeServerTls(*options.tls, options.http2.has_value());
    if (!made) return tl::unexpected<Error>(std::move(made.error()));
    tls = std::move(*made);
  }
  if (options.listening) options.unix_path.clear();  // whose file is the socket's owner's
  auto listening = options.listening           ? Duplicate(*options.listening)
                   : options.unix_path.empty() ? ListenTcp(options.host, options.port)
                                               : ListenUnix(options.unix_path, options.unix_mode);
  if (!listening) return tl::unexpected<Error>(std::move(listening.error()));
  auto core = std::make_shared<internal::Core>(std::move(options), std::move(handler));
  return std::make_unique<internal::RunningServer>(std::move(core), std::move(*listening),
                                                   std::move(tls));
}

}  // namespace wirespan::http
