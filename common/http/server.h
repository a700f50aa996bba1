#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/http/listen.h"

// A bounded HTTP server (admin pages, OTLP/HTTP, the control socket): HTTP/1.0 and 1.1 today.
// Boost.Beast stays inside the .cc files.
namespace wirespan::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// First value of a header, names compared without case; nullopt if absent.
std::optional<std::string_view> FindHeader(const Headers& headers, std::string_view name);

struct Request {
  std::string method{};
  std::string path{};   // without the query
  std::string query{};  // after '?', undecoded
  Headers headers{};
  std::string body{};
  std::string peer{};  // address:port
};

struct Response {
  int status = 200;
  Headers headers{};  // Content-Length, Date, Connection are the server's own
  std::string body{};
};

// A body that is sent while it comes into being. From any thread, one at a time. Dropping it before
// Finish() breaks the connection, so that the peer does not take the part for the whole.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // False, and nothing is taken: the peer is gone (also: the server stops), or the peer reads too
  // slowly and 1 MiB waits already. The caller may drop this piece and go on, or give up.
  virtual bool Write(std::string piece) = 0;
  // True once the peer is gone: no later Write will succeed.
  virtual bool gone() const = 0;
  virtual void Finish() = 0;
};

// Answers once, from any thread. Dropping it unanswered answers 500. It may outlive the server.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void Send(Response response) = 0;
  // Calls once, on the session's thread, if the peer closes its connection before the answer is
  // sent (over TLS only if it does so without a goodbye). At most one watcher.
  virtual void WhenGone(std::function<void()> gone) { static_cast<void>(gone); }
  // Sends status and headers (the body of `head`, if any, is the first piece); null: cannot stream,
  // nothing was sent.
  virtual std::unique_ptr<BodyStream> StartStream(Response head) {
    static_cast<void>(head);
    return nullptr;
  }
};

// Runs on one of the server's threads; must not block for long: keep the responder and answer later
// instead.
using Handler = std::function<void(Request request, std::unique_ptr<Responder> responder)>;

struct TlsServerOptions {
  std::string certificate_file{};
  std::string key_file{};
  std::string client_ca_file{};  // not empty: client certificates are demanded and verified
  // How often the files are read again, for new connections; 0: never. Files that can't be used are
  // told in the log, and what was read before goes on being used.
  std::chrono::milliseconds reload_interval{0};
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;   // 0: any free one, see port()
  std::string unix_path{};  // not empty: a Unix socket instead of host:port
  // Not null: this socket, which stays its owner's, instead of host:port or unix_path. Several
  // servers may accept from one, such as the one that ends and the one that takes its place.
  std::shared_ptr<const Listening> listening{};
  unsigned unix_mode = 0660;
  std::size_t max_body_bytes = 64u << 20;
  std::size_t max_header_bytes = 64u << 10;
  // Bodies being received, all connections together; over it: 503 with Retry-After.
  std::size_t max_receiving_bytes = 256u << 20;
  // Not null: bodies being received are counted by this too. Null for so many bytes: 503 likewise.
  // What it returns is held until the body is handed over. On the server's threads.
  std::function<std::shared_ptr<const void>(std::size_t bytes)> admit{};
  std::size_t max_connections = 1024;  // more are answered 503 and closed
  // For a whole request head, and between requests. A body, and a response to be taken by the peer,
  // get this plus the time that they need at 16 KiB/s.
  std::chrono::seconds idle_timeout{60};
  int threads = 1;
  std::optional<TlsServerOptions> tls{};
  // What a request gets that is refused before the handler (400, 413, 503) once its head was read;
  // the status stays the server's. Without it: a line of plain text.
  std::function<Response(int status, std::string_view content_type)> refusal{};
};

struct ServerStats {
  std::uint64_t connections = 0;  // open now
  std::uint64_t accepted = 0;     // connections
  std::uint64_t refused = 0;      // over max_connections
  std::uint64_t requests = 0;     // handed to the handler
  std::uint64_t invalid =
      0;  // answered 4xx/5xx before the handler: bad syntax, too large, too much at once
  std::uint64_t failed_handshakes = 0;  // TLS
  std::uint64_t timeouts = 0;           // too slow peers that had begun something
};

class Server {
 public:
  // Listens at once; serves until destroyed or Stop(), neither of which may happen on one of its
  // own threads. The error names address and reason ("listen on 127.0.0.1:8890: Address already in
  // use").
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Handler handler);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Takes no new connections; those that are there end with their next answer, so that their
  // clients go elsewhere without an error. Idempotent.
  virtual void StopAccepting() = 0;
  // Stops accepting, waits up to `grace` for requests in flight, then closes. Idempotent.
  virtual void Stop(std::chrono::milliseconds grace) = 0;
  virtual ServerStats stats() const = 0;
};

}  // namespace wirespan::http
