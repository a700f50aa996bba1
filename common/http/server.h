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
#include "common/telemetry/metrics.h"

// A bounded HTTP server (admin pages, OTLP/HTTP, the control socket): HTTP/1.0, 1.1 and, where
// asked for, HTTP/2. Boost.Beast and nghttp2 stay inside the .cc files.
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
  bool http2 = false;
};

struct Response {
  int status = 200;
  Headers headers{};  // Content-Length, Date, Connection are the server's own
  std::string body{};
  // HTTP/2 alone: sent after the body. Without a body put them into `headers`, which then end the
  // stream.
  Headers trailers{};
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
  // sent. At most one watcher. A peer that has begun its next request is not watched further.
  virtual void WhenGone(std::function<void()> gone) { static_cast<void>(gone); }
  // HTTP/2 alone: without an answer by then the watcher is called and `late` is sent.
  virtual void AnswerBy(std::chrono::steady_clock::time_point deadline, Response late) {
    static_cast<void>(deadline);
    static_cast<void>(late);
  }
  // Sends status and headers (the body of `head`, if any, is the first piece); null: cannot stream
  // (HTTP/2, so far), nothing was sent.
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

// HTTP/2: over TLS by ALPN, otherwise by prior knowledge, on the same port as HTTP/1.
struct Http2Options {
  std::uint32_t max_concurrent_streams = 128;  // of a connection
  std::uint32_t stream_window = 256u << 10;    // bytes that a peer may send before they were taken
  std::uint32_t connection_window = 1u << 20;
  // A peer that sends nothing for `ping_after` is asked whether it is there, and let go if it does
  // not answer within `ping_timeout`. 0: not asked.
  std::chrono::milliseconds ping_after{0};
  std::chrono::milliseconds ping_timeout{20000};
  std::chrono::milliseconds max_connection_idle{0};  // 0: idle_timeout
  // Peers that ping more often than this get two warnings' grace, then GOAWAY. 0: they may, within
  // the bound that all frames have which bring no request further.
  std::chrono::milliseconds min_ping_interval{0};
};

// Where the server counts what it ends, beside its stats(); null: nowhere.
struct ServerCounters {
  telemetry::Counter* refused = nullptr;            // connections over max_connections
  telemetry::Counter* failed_handshakes = nullptr;  // TLS
  telemetry::Counter* timeouts = nullptr;
  telemetry::Counter* broken = nullptr;  // see ServerStats::http2_broken
  telemetry::Counter* aged = nullptr;
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
  // A connection older than this, give or take a tenth, ends: HTTP/1 with its next answer, HTTP/2
  // by GOAWAY, and what is under way has `max_connection_age_grace` to finish. 0: never, no end.
  std::chrono::milliseconds max_connection_age{0};
  std::chrono::milliseconds max_connection_age_grace{0};
  std::optional<Http2Options> http2{};  // none: HTTP/1 alone
  int threads = 1;
  std::optional<TlsServerOptions> tls{};
  ServerCounters counters{};
  // What a request gets that is refused before the handler (400, 408, 413, 431, 503) once its head
  // was read. Without it: a line of plain text.
  std::function<Response(int status, std::string_view content_type)> refusal{};
  // The bound of a body by its content type, instead of max_body_bytes; HTTP/2 alone.
  std::function<std::size_t(std::string_view content_type)> body_limit{};
  // Asked before the first bytes of a body are kept; what it gives is held until the handler has
  // the request. Null: the body is not read, 503; HTTP/2 alone.
  std::function<std::shared_ptr<const void>()> admit_body{};
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
  std::uint64_t http2_connections = 0;
  // HTTP/2 connections ended because of their peer: broken frames, floods of resets, pings,
  // settings or CONTINUATION, no answer to a ping.
  std::uint64_t http2_broken = 0;
  std::uint64_t http2_resets = 0;  // requests that their peer gave up before the answer
  std::uint64_t aged = 0;          // connections ended because of their age
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
