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

// A bounded HTTP/1.1 server (admin pages, OTLP/HTTP). Boost.Beast lives in server.cc alone.
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
  std::string peer{};   // address:port
};

struct Response {
  int status = 200;
  Headers headers{};  // Content-Length, Date, Connection are the server's own
  std::string body{};
};

// Answers once, from any thread. Dropping it unanswered answers 500.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void Send(Response response) = 0;
};

// Runs on one of the server's threads; must not block for long: keep the responder and answer later instead.
using Handler = std::function<void(Request request, std::unique_ptr<Responder> responder)>;

struct TlsServerOptions {
  std::string certificate_file{};
  std::string key_file{};
  std::string client_ca_file{};  // not empty: client certificates are demanded and verified
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one, see port()
  std::string unix_path{};  // not empty: a Unix socket instead of host:port
  unsigned unix_mode = 0660;
  std::size_t max_body_bytes = 64u << 20;
  std::size_t max_header_bytes = 64u << 10;
  std::size_t max_connections = 1024;
  std::chrono::seconds idle_timeout{60};
  int threads = 1;
  std::optional<TlsServerOptions> tls{};
};

class Server {
 public:
  // Listens at once; serves until destroyed or Stop(). The error names address and reason ("listen on
  // 127.0.0.1:8890: Address already in use").
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Handler handler);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Stops accepting, waits up to `grace` for requests in flight, then closes. Idempotent.
  virtual void Stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace wirespan::http
