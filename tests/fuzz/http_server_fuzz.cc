// The HTTP server, whatever a peer sends on a connection: HTTP/1 or HTTP/2 by its first bytes. It
// ends the connection once its peer has, and goes on serving.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"
#include "common/http/server.h"

using namespace wirespan;

namespace {

// Bounds small enough to be met.
http::ServerOptions Options(const std::string& path) {
  http::ServerOptions options;
  options.unix_path = path;
  options.max_body_bytes = 4096;
  options.max_header_bytes = 2048;
  options.http2 = http::Http2Options{.max_concurrent_streams = 4, .stream_window = 1024};
  return options;
}

http::Server& Serve(const std::string& path) {
  static const auto server = http::Server::Start(
      Options(path), [](http::Request request, std::unique_ptr<http::Responder> responder) {
        http::Response response{.body = std::move(request.body)};
        if (request.method == "POST") response.trailers = {{"grpc-status", "0"}};
        responder->Send(std::move(response));
      });
  if (!server) std::abort();
  return **server;
}

// What came back until the server closed.
std::string Exchange(const std::string& path, std::string_view input) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    std::abort();
  std::string output;
  bool ended = false;
  for (;;) {
    if (input.empty() && !ended) {
      ::shutdown(fd.get(), SHUT_WR);
      ended = true;
    }
    pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (!ended) entry.events |= POLLOUT;
    const int ready = ::poll(&entry, 1, 60000);
    if (ready < 0 && errno == EINTR) continue;  // libFuzzer's own clock
    if (ready != 1) std::abort();               // it hangs
    if ((entry.revents & POLLOUT) != 0) {
      const ssize_t sent =
          ::send(fd.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) input = {};
    }
    if ((entry.revents & (POLLIN | POLLHUP)) == 0) continue;
    char bytes[4096];
    const ssize_t got = ::recv(fd.get(), bytes, sizeof(bytes), 0);
    if (got <= 0) return output;
    output.append(bytes, static_cast<std::size_t>(got));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "wirespan-fuzz-" + std::to_string(::getpid()) + ".sock";
  const http::Server& server = Serve(path);
  Exchange(path, std::string_view(reinterpret_cast<const char*>(data), size));
  const std::uint64_t before = server.stats().requests;
  const std::string answer =
      Exchange(path, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 OK\r\n")) std::abort();
  if (server.stats().requests == before) std::abort();
  return 0;
}
