#include "gateway/ingest/http_settings.h"

#include "common/base/strings.h"
#include "gateway/ingest/endpoint.h"

namespace wirespan::gateway {

namespace {
// Of one receiver: what is open without a request costs some KiB.
constexpr std::size_t kMaxConnections = 8192;
}  // namespace

Result<http::ServerOptions> ServerOptionsOf(const HttpServerOptions& options) {
  http::ServerOptions server;
  server.listening = options.listening;
  if (options.unix_socket) {
    server.unix_path = options.endpoint;
  } else {
    auto address = ParseHostPort(options.endpoint);
    if (!address) return tl::unexpected(address.error());
    server.host = address->host.empty() ? "::" : address->host;
    server.port = address->port;
  }
  if (options.tls) {
    server.tls = http::TlsServerOptions{.certificate_file = options.tls->cert_file,
                                        .key_file = options.tls->key_file,
                                        .client_ca_file = options.tls->client_ca_file,
                                        .reload_interval = options.tls->reload_interval};
  }
  server.max_body_bytes = options.max_request_body_bytes;
  server.idle_timeout = std::chrono::duration_cast<std::chrono::seconds>(options.idle_timeout);
  const ConnectionOptions& connection = options.connection;
  server.max_connections = kMaxConnections;
  server.counters = options.counters;
  server.max_connection_age = connection.max_age;
  server.max_connection_age_grace = connection.max_age_grace;
  http::Http2Options http2;
  if (options.max_concurrent_streams > 0) {
    http2.max_concurrent_streams = options.max_concurrent_streams;
  }
  http2.max_connection_idle = connection.max_idle;
  http2.ping_after = connection.ping_after;
  if (connection.ping_timeout.count() > 0) http2.ping_timeout = connection.ping_timeout;
  http2.min_ping_interval = connection.min_ping_interval;
  server.http2 = http2;
  return server;
}

http::ServerCounters ConnectionCounters(const std::string& receiver, const std::string& transport,
                                        telemetry::Registry& registry) {
  const auto counter = [&](const char* reason) {
    return &registry.counter(
        "wirespan_receiver_connections_ended_total",
        "Connections, or requests that came or were answered too slowly, that the receiver ended",
        {{"receiver", receiver}, {"transport", transport}, {"reason", reason}});
  };
  return {.refused = counter("too_many"),
          .failed_handshakes = counter("handshake"),
          .timeouts = counter("timeout"),
          .broken = counter("protocol"),
          .aged = counter("age")};
}

Outcome Authenticate(const HttpServerOptions& options, const http::Headers& headers,
                     AuthAttributes* found) {
  if (options.auth == nullptr) return {};
  return options.auth->Authenticate(
      [&](std::string_view name) { return http::FindHeader(headers, name); }, found);
}

Outcome TakeMetadata(const ClientMetadata& keeper, const http::Request& request,
                     const AuthAttributes& who, std::shared_ptr<const Metadata>& metadata) {
  return keeper.Take(
      [&](std::string_view name, const std::function<void(std::string_view)>& value) {
        for (const auto& [header, content] : request.headers) {
          if (EqualsIgnoreCase(header, name)) value(content);
        }
      },
      who, request.peer, metadata);
}

}  // namespace wirespan::gateway
