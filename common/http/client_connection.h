#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/http/client.h"
#include "common/http/url.h"

// Inside of the client: one connection to an origin or a proxy. All on the client's thread.
namespace wirespan::http::internal {

// Where to connect and what to say first.
struct Route {
  std::string host{};  // the origin, or the proxy
  std::uint16_t port = 0;
  bool tls = false;
  std::string server_name{};    // for TLS: verified, and sent as SNI unless it is an address
  std::string tunnel{};         // not empty: CONNECT to this authority first
  std::string authorization{};  // of the proxy, for CONNECT

  std::string key() const;  // equal keys can share connections
};

struct Outcome {
  Result<Response> response{};
  bool reusable = false;   // the connection may carry another request
  bool untouched = false;  // failed before any byte of a response
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;
  virtual void Open(const Route& route, std::chrono::milliseconds timeout,
                    std::function<void(Result<>)> done) = 0;
  // `request.url` is not looked at; `target` is what stands in the request line. `done` may not be
  // called if Close() comes first.
  virtual void Exchange(const ClientRequest& request, const std::string& target,
                        const std::string& host, const std::string& proxy_authorization,
                        std::size_t max_response_bytes, std::function<void(Outcome)> done) = 0;
  // Calls once when the idle connection becomes readable (the peer closed it, or speaks out of
  // turn).
  virtual void WatchIdle(std::function<void()> ended) = 0;
  virtual void StopWatching() = 0;
  virtual void Close() = 0;
};

Result<std::shared_ptr<boost::asio::ssl::context>> MakeClientTls(const TlsClientOptions& options);

}  // namespace wirespan::http::internal
