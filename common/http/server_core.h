#pragma once

#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/http/server.h"

// Inside of the server, shared by server.cc and the two kinds of connections (server_plain.cc,
// server_tls.cc).
//
// Lifetimes: a session lives as long as one of its operations is queued in the io_context.
// Responders hold it weakly, for they may outlive the server; they reach it only through
// Core::Post, which refuses once the server is gone.
namespace wirespan::http::internal {

namespace asio = boost::asio;

using Socket = asio::generic::stream_protocol::socket;  // TCP or Unix

// What passes between a BodyStream (any thread) and its session.
struct StreamState {
  static constexpr std::size_t kMaxWaiting = 1u << 20;

  std::mutex mutex;  // guards all below
  std::string waiting;
  std::size_t in_flight = 0;  // bytes being written
  bool scheduled = false;     // a FlushStream is queued
  bool gone = false;
  bool finished = false;
  bool aborted = false;
};

// One connection. All methods but the destructor run on its executor (a strand).
class SessionBase : public std::enable_shared_from_this<SessionBase> {
 public:
  virtual ~SessionBase() = default;
  virtual asio::any_io_executor executor() = 0;
  virtual void Start() = 0;
  virtual void Leave() {}    // the server takes no new connections: let the peer go elsewhere
  virtual void Drain() = 0;  // close when idle, else after the responses under way
  virtual void Abort() = 0;  // close now
};

// HTTP/1: one exchange at a time.
class ExchangeSession : public SessionBase {
 public:
  virtual void Answer(Response response) = 0;
  virtual void WatchWhileBusy(std::function<void()> gone) = 0;
  virtual void BeginStream(Response head, std::shared_ptr<StreamState> state) = 0;
  virtual void FlushStream() = 0;
};

// A number of the server's own, counted in a metric too if there is one.
class Tally {
 public:
  explicit Tally(telemetry::Counter* also = nullptr) : also_(also) {}
  void operator++() {
    ++value_;
    if (also_ != nullptr) also_->Add();
  }
  operator std::uint64_t() const { return value_; }

 private:
  std::atomic<std::uint64_t> value_{0};
  telemetry::Counter* const also_;
};

struct Core {
  Core(ServerOptions given, Handler given_handler)
      : options(std::move(given)),
        handler(std::move(given_handler)),
        context(std::make_unique<asio::io_context>()),
        refused(options.counters.refused),
        failed_handshakes(options.counters.failed_handshakes),
        timeouts(options.counters.timeouts),
        http2_broken(options.counters.broken),
        aged(options.counters.aged) {}

  // Runs `work(session)` on the session's executor; false if session or server are gone.
  template <class Session, class Work>
  bool Post(const std::weak_ptr<Session>& weak, Work work) {
    const std::lock_guard lock(post_mutex);
    if (closed) return false;
    const std::shared_ptr<Session> session = weak.lock();
    if (session == nullptr) return false;
    asio::post(session->executor(),
               [session, work = std::move(work)]() mutable { work(*session); });
    return true;
  }

  void Add(const std::shared_ptr<SessionBase>& session) {
    const std::lock_guard lock(sessions_mutex);
    sessions.emplace(session.get(), session);
  }
  void Remove(SessionBase* session) {
    const std::lock_guard lock(sessions_mutex);
    sessions.erase(session);
    if (sessions.empty()) no_sessions.notify_all();
  }

  const ServerOptions options;
  const Handler handler;
  std::unique_ptr<asio::io_context>
      context;  // reset by the server's destructor, after its threads have ended

  std::mutex post_mutex;  // guards closed; also held while a responder touches a session
  bool closed = false;

  std::mutex sessions_mutex;  // guards sessions
  std::unordered_map<SessionBase*, std::weak_ptr<SessionBase>> sessions;
  std::condition_variable no_sessions;

  std::atomic<bool> leaving{false};   // no new connections; each ends after its next response
  std::atomic<bool> draining{false};  // no new connections; those in use end after their response
  std::atomic<bool> stopped{false};   // the handler is not called any more
  std::atomic<std::size_t> receiving_bytes{0};
  std::atomic<std::uint64_t> accepted{0};
  Tally refused;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> invalid{0};
  Tally failed_handshakes;
  Tally timeouts;
  std::atomic<std::uint64_t> http2_connections{0};
  Tally http2_broken;
  std::atomic<std::uint64_t> http2_resets{0};
  Tally aged;
};

std::unique_ptr<Responder> MakeResponder(std::shared_ptr<Core> core,
                                         std::weak_ptr<ExchangeSession> session);

// When a connection that begins now is to end: its age give or take a tenth, so that connections
// that began together do not end together. nullopt: never.
std::optional<std::chrono::steady_clock::time_point> EndOfAge(const ServerOptions& options);

// A context that serves with these files; the error names the file.
Result<std::shared_ptr<asio::ssl::context>> MakeServerTls(const TlsServerOptions& options,
                                                          bool http2);

}  // namespace wirespan::http::internal
