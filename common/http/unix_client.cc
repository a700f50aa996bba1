#include "common/http/unix_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace wirespan::http {
namespace {

namespace beast = boost::beast;
using Parser = beast::http::response_parser<beast::http::string_body>;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kMaxBuffered = 256u << 10;
constexpr std::size_t kMaxResponseBytes = 64u << 20;
constexpr std::size_t kMaxLineBytes = 4u << 20;

enum class Ready : unsigned char { kSocket, kStop, kTimeout };

Ready WaitFor(int fd, short events, int stop_fd, std::optional<SteadyTime> deadline) {
  for (;;) {
    pollfd entries[2] = {{.fd = fd, .events = events, .revents = 0},
                         {.fd = stop_fd, .events = POLLIN, .revents = 0}};
    int wait_ms = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return Ready::kTimeout;
      wait_ms = static_cast<int>(std::min<long long>(left.count(), 1 << 30));
    }
    const int ready = ::poll(entries, stop_fd >= 0 ? 2 : 1, wait_ms);
    if (ready < 0 && errno != EINTR) return Ready::kStop;
    if (ready <= 0) continue;
    if (stop_fd >= 0 && entries[1].revents != 0) return Ready::kStop;
    return Ready::kSocket;
  }
}

std::string RequestText(const UnixRequest& request) {
  std::string text = request.method + " " + request.target +
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.body.empty())
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

// One connection with one exchange; Next() hands over the body piece by piece.
class Conversation {
 public:
  Conversation(std::string path, int stop_fd, std::optional<SteadyTime> deadline)
      : path_(std::move(path)), stop_fd_(stop_fd), deadline_(deadline) {
    parser_.header_limit(static_cast<std::uint32_t>(kReadBytes));
    parser_.body_limit(boost::none);
  }

  Result<> Start(const UnixRequest& request) {
    if (request.method == "HEAD") parser_.skip(true);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.empty() || path_.size() >= sizeof(address.sun_path)) {
      return Fail(ErrorCode::kInvalidArgument, path_ + ": the path must have 1 to 107 bytes");
    }
    std::memcpy(address.sun_path, path_.data(), path_.size());
    fd_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd_.valid()) return FailErrno("socket", errno);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      return FailErrno("connect to " + path_, errno);
    }
    const std::string text = RequestText(request);
    for (std::size_t sent = 0; sent < text.size();) {
      const Ready ready = WaitFor(fd_.get(), POLLOUT, stop_fd_, deadline_);
      if (ready != Ready::kSocket) return Stopped(ready);
      const ssize_t n =
          ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return FailErrno("send to " + path_, errno);
      if (n > 0) sent += static_cast<std::size_t>(n);
    }
    while (!parser_.is_header_done()) {
      if (auto fed = Feed(); !fed) return fed;
    }
    return {};
  }

  bool done() const { return parser_.is_done(); }
  bool stopped() const { return stopped_; }
  auto& head() { return parser_.get(); }

  // Reads once; what came of the body is in head().body().
  Result<> Feed() {
    if (parser_.is_done()) return {};
    const Ready ready = WaitFor(fd_.get(), POLLIN, stop_fd_, deadline_);
    if (ready != Ready::kSocket) return Stopped(ready);
    const auto room = buffer_.prepare(kReadBytes);
    const ssize_t n = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return {};
      return FailErrno("receive from " + path_, errno);
    }
    beast::error_code error;
    if (n == 0) {
      parser_.put_eof(error);
      if (error)
        return Fail(ErrorCode::kUnavailable, path_ + ": connection ended before the response did");
      return {};
    }
    buffer_.commit(static_cast<std::size_t>(n));
    while (buffer_.size() > 0 && !parser_.is_done()) {
      const std::size_t used = parser_.put(buffer_.data(), error);
      buffer_.consume(used);
      if (error == beast::http::error::need_more) break;
      if (error)
        return Fail(ErrorCode::kUnknown, path_ + ": not an HTTP response: " + error.message());
      if (used == 0) break;
    }
    if (buffer_.size() > kMaxBuffered)
      return Fail(ErrorCode::kResourceExhausted, path_ + ": response head too large");
    return {};
  }

 private:
  Result<> Stopped(Ready ready) {
    stopped_ = ready == Ready::kStop;
    if (stopped_) return Fail(ErrorCode::kCancelled, path_ + ": stopped");
    return Fail(ErrorCode::kDeadlineExceeded, path_ + ": no response in time");
  }

  const std::string path_;
  const int stop_fd_;
  const std::optional<SteadyTime> deadline_;
  UniqueFd fd_;
  beast::flat_buffer buffer_;
  Parser parser_;
  bool stopped_ = false;
};

tl::unexpected<Error> Refused(const std::string& path, int status, std::string_view body) {
  std::string message = path + ": status " + std::to_string(status);
  const std::string_view line = TrimAscii(body.substr(0, body.find('\n')));
  if (!line.empty()) message += ": " + ToUtf8(TruncateUtf8(line, 512));
  const ErrorCode code = status == 404                    ? ErrorCode::kNotFound
                         : status == 401 || status == 403 ? ErrorCode::kPermissionDenied
                         : status / 100 == 4              ? ErrorCode::kInvalidArgument
                                                          : ErrorCode::kUnavailable;
  return Fail(code, std::move(message));
}

}  // namespace

Result<Response> Ask(const std::string& unix_path, const UnixRequest& request,
                     std::chrono::milliseconds timeout) {
  Conversation conversation(unix_path, -1, std::chrono::steady_clock::now() + timeout);
  if (auto started = conversation.Start(request); !started) {
    return tl::unexpected<Error>(std::move(started.error()));
  }
  while (!conversation.done()) {
    if (conversation.head().body().size() > kMaxResponseBytes) {
      return Fail(ErrorCode::kResourceExhausted, unix_path + ": response is larger than 64 MiB");
    }
    if (auto fed = conversation.Feed(); !fed) return tl::unexpected<Error>(std::move(fed.error()));
  }
  Response response{.status = static_cast<int>(conversation.head().result_int())};
  for (const auto& field : conversation.head()) {
    response.headers.emplace_back(
        std::string(field.name_string().data(), field.name_string().size()),
        std::string(field.value().data(), field.value().size()));
  }
  response.body = std::move(conversation.head().body());
  return response;
}

Result<> StreamLines(const std::string& unix_path, const UnixRequest& request,
                     const std::function<bool(std::string_view line)>& on_line, int stop_fd) {
  Conversation conversation(unix_path, stop_fd, std::nullopt);
  auto step = conversation.Start(request);
  std::string pending;
  bool refused = false;
  while (step) {
    std::string& body = conversation.head().body();
    refused = conversation.head().result_int() / 100 != 2;
    const std::size_t searched = pending.size();
    pending += body;
    body.clear();
    if (refused) {
      if (conversation.done() || pending.size() > 4096) break;
    } else {
      std::size_t start = 0;
      std::size_t from = searched;
      for (;;) {
        const std::size_t end = pending.find('\n', from);
        if (end == std::string::npos) break;
        if (!on_line(std::string_view(pending).substr(start, end - start))) return {};
        start = from = end + 1;
      }
      pending.erase(0, start);
      if (pending.size() > kMaxLineBytes) {
        return Fail(ErrorCode::kResourceExhausted, unix_path + ": a line is longer than 4 MiB");
      }
      if (conversation.done()) break;
    }
    step = conversation.Feed();
  }
  if (conversation.stopped()) return {};
  if (!step) return step;
  if (refused)
    return Refused(unix_path, static_cast<int>(conversation.head().result_int()), pending);
  if (!pending.empty()) static_cast<void>(on_line(pending));
  return {};
}

}  // namespace wirespan::http
