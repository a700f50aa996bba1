#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/http/server.h"

namespace wirespan::http {

struct TlsClientOptions {
  std::string ca_file{};  // empty: the system's
  std::string certificate_file{};
  std::string key_file{};
  std::string server_name{};  // empty: the URL's host
  bool insecure_skip_verify = false;
  // How often the files are read again, for new connections; 0: never. Files that can't be used are
  // told in the log, and what was read before goes on being used.
  std::chrono::milliseconds reload_interval{0};
};

struct ClientOptions {
  std::size_t max_connections = 4;            // requests in flight; more wait
  std::size_t max_waiting = 1024;             // more: kResourceExhausted
  std::size_t max_response_bytes = 4u << 20;  // larger: kResourceExhausted
  std::chrono::milliseconds connect_timeout{5000};
  TlsClientOptions tls{};
  std::chrono::milliseconds idle_timeout{30000};  // of kept connections
  std::string proxy{};        // "http://[user:pass@]host:port", empty: none. https uses CONNECT
  std::string no_proxy{};     // NO_PROXY's syntax: see proxy.h
  bool proxy_always = false;  // to this machine too, and whatever no_proxy says
};

struct ClientRequest {
  std::string method = "POST";
  std::string url{};  // http:// or https://
  Headers headers{};
  std::string body{};
  std::shared_ptr<const std::string> shared_body{};  // if set: instead of `body`, without a copy
  std::chrono::milliseconds timeout{10000};
  // If set: the body of a 2xx response comes piece by piece, on the client's thread, and
  // Response::body stays empty. max_response_bytes does not bound it: the caller counts. False: no
  // more is wanted, and the request ends with kCancelled.
  std::function<bool(std::string_view piece)> on_piece{};
};

// A small asynchronous HTTP/1.1 client with kept-alive connections. One thread of its own;
// thread-safe. It does not retry, but for one case: a kept connection that ended before any byte of
// the response is replaced once by a fresh one.
class Client {
 public:
  // What Send would say to any request: unreadable certificates, a bad proxy. Call it when the
  // configuration is read.
  static Result<> Check(const ClientOptions& options);
  static std::unique_ptr<Client> Create(ClientOptions options);
  virtual ~Client() = default;  // cancels what is in flight (kCancelled) and joins

  // Calls `done` exactly once, on the client's thread. A response of any status is a value; an
  // Error is a failure to get one: kUnavailable (connect, reset), kDeadlineExceeded,
  // kResourceExhausted (too large), kInvalidArgument (URL).
  virtual void Send(ClientRequest request, std::function<void(Result<Response>)> done) = 0;
};

}  // namespace wirespan::http
