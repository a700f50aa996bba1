#include "gateway/ingest/http_settings.h"

#include "common/base/strings.h"
#include "gateway/ingest/client_metadata.h"
#include "gateway/ingest/endpoint.h"

namespace wirespan::gateway {

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
  return server;
}

Outcome Authenticate(const HttpServerOptions& options, const http::Headers& headers,
                     AuthAttributes* found) {
  if (options.auth == nullptr) return {};
  return options.auth->Authenticate(
      [&](std::string_view name) { return http::FindHeader(headers, name); }, found);
}

Outcome TakeMetadata(const HttpServerOptions& options, const http::Headers& headers,
                     const AuthAttributes& who, std::shared_ptr<const Metadata>& metadata) {
  if (!options.include_metadata) return {};
  return ClientMetadata(options.metadata_keys)
      .Take(
          [&](std::string_view name, const std::function<void(std::string_view)>& value) {
            for (const auto& [header, content] : headers) {
              if (EqualsIgnoreCase(header, name)) value(content);
            }
          },
          who, metadata);
}

}  // namespace wirespan::gateway
