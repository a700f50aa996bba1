#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"
#include "common/otlp/compress.h"
#include "tests/support/otlp_server.h"

// HTTP/1.1 by hand, so that connections can be counted and broken, and the client is not tested
// against its own kin.
namespace wirespan::testing {
namespace {

class HttpOtlpServer final : public OtlpServer {
 public:
  HttpOtlpServer(UniqueFd listener, Script script)
      : OtlpServer(Kind::kHttp, std::move(script)), listener_(std::move(listener)) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this](const std::stop_token& stop) { AcceptAll(stop); });
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return connections_; }

 private:
  // True: readable; false: to be stopped.
  static bool WaitReadable(int fd, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd poll_fd{fd, POLLIN, 0};
      if (::poll(&poll_fd, 1, 20) > 0) return true;
    }
    return false;
  }

  void AcceptAll(const std::stop_token& stop) {
    while (WaitReadable(listener_.get(), stop)) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd.valid()) continue;
      const int one = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
      const std::size_t number = ++connections_;
      workers_.emplace_back([this, number, held = std::move(fd)](const std::stop_token& inner) {
        while (Serve(held.get(), number, inner)) continue;
      });
    }
  }

  static bool ReadMore(int fd, std::string& buffer, const std::stop_token& stop) {
    if (!WaitReadable(fd, stop)) return false;
    char bytes[65536];
    const ssize_t got = ::recv(fd, bytes, sizeof(bytes), 0);
    if (got <= 0) return false;
    buffer.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  // One request; false: the connection has ended.
  bool Serve(int fd, std::size_t connection, const std::stop_token& stop) {
    std::string buffer;
    std::size_t head = std::string::npos;
    while ((head = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore(fd, buffer, stop)) return false;
    }
    OtlpRequest request;
    request.connection = connection;
    std::size_t length = 0;
    bool first = true;
    for (const std::string_view line : Split(std::string_view(buffer).substr(0, head), '\n')) {
      if (std::exchange(first, false)) {
        const auto words = Split(TrimAscii(line), ' ');
        if (words.size() == 3) request.path = words[1];
        continue;
      }
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      request.headers[AsciiLower(line.substr(0, colon))] = TrimAscii(line.substr(colon + 1));
    }
    length = ParseUint(request.headers["content-length"]).value_or(0);
    while (buffer.size() < head + 4 + length) {
      if (!ReadMore(fd, buffer, stop)) return false;
    }
    request.raw = buffer.substr(head + 4, length);
    const auto named = request.headers.find("content-encoding");
    const auto encoding = otlp::ParseEncoding(named == request.headers.end() ? "" : named->second);
    otlp::Decompressor().Decompress(encoding.value_or(otlp::Encoding::kIdentity), request.raw,
                                    256u << 20, request.body);
    return Answer(fd, Take(std::move(request)), stop);
  }

  static bool Answer(int fd, const OtlpReply& reply, const std::stop_token& stop) {
    const auto until = std::chrono::steady_clock::now() + reply.delay;
    while (std::chrono::steady_clock::now() < until && !stop.stop_requested()) {
      std::this_thread::sleep_for(std::min(reply.delay, std::chrono::milliseconds(5)));
    }
    if (reply.reset) {
      const linger hard{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      return false;
    }
    const int status = reply.code == 0 ? 200 : reply.code;
    std::string text = "HTTP/1.1 " + std::to_string(status) +
                       " X\r\nContent-Length: " + std::to_string(reply.body.size());
    bool typed = false;
    for (const auto& [name, value] : reply.headers) {
      typed = typed || EqualsIgnoreCase(name, "content-type");
      text += "\r\n" + name + ": " + value;
    }
    if (!typed) text += "\r\nContent-Type: application/x-protobuf";
    text += "\r\n\r\n" + reply.body;
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::vector<std::jthread> workers_{};  // of acceptor_ alone
  std::jthread acceptor_{};              // last: joined first
};

}  // namespace

std::unique_ptr<OtlpServer> StartHttpOtlpServer(const OtlpServer::Options& options,
                                                OtlpServer::Script script) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options.port);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return nullptr;
  if (::listen(listener.get(), 64) != 0) return nullptr;
  return std::make_unique<HttpOtlpServer>(std::move(listener), std::move(script));
}

}  // namespace wirespan::testing
