#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/http/listen.h"
#include "common/http/server.h"
#include "gateway/pipeline/auth.h"

// The settings of the otlp receiver, with the Collector's keys and defaults.
namespace wirespan::gateway {

struct ServerTlsOptions {
  std::string cert_file{};
  std::string key_file{};
  std::string client_ca_file{};  // not empty: clients must show a certificate of this authority
  std::chrono::milliseconds reload_interval{0};  // how often the files are looked at; 0: never
  friend bool operator==(const ServerTlsOptions&, const ServerTlsOptions&) = default;
};

// keepalive: of a connection. What is 0 is not bounded; gRPC has defaults of its own.
struct ConnectionOptions {
  std::chrono::milliseconds max_idle{0};
  std::chrono::milliseconds max_age{0};
  std::chrono::milliseconds max_age_grace{0};
  std::chrono::milliseconds ping_after{0};  // server_parameters.time
  std::chrono::milliseconds ping_timeout{0};
  std::chrono::milliseconds min_ping_interval{0};  // enforcement_policy.min_time
  bool permit_pings_without_stream = false;
  friend bool operator==(const ConnectionOptions&, const ConnectionOptions&) = default;
};

// The Collector's cors keys; no allowed_origins: off.
struct CorsOptions {
  std::vector<std::string> allowed_origins{};
  std::vector<std::string> allowed_headers{};
  std::vector<std::string> exposed_headers{};
  std::chrono::seconds max_age{0};  // 0: browsers use their own
};

struct GrpcServerOptions {
  std::shared_ptr<const http::Listening> listening{};  // the endpoint's socket; null: opened
  std::string authenticator{};                         // auth::authenticator: an extension's id
  std::shared_ptr<const ServerAuthenticator> auth{};   // and what it stands for; null: anybody
  std::string endpoint = "localhost:4317";
  bool unix_socket = false;  // transport: unix, endpoint is a path
  std::optional<ServerTlsOptions> tls{};
  bool include_metadata = false;
  std::vector<std::string> metadata_keys{};          // and what of it somebody asks for
  std::uint64_t max_recv_msg_size_bytes = 4u << 20;  // received, and again after decompression
  std::uint32_t max_concurrent_streams = 0;          // 0: gRPC's own
  // For a call's message to come. OTLP's clients give up after 10 s.
  std::chrono::milliseconds message_timeout{60000};
  ConnectionOptions connection{};
};

struct HttpServerOptions {
  std::shared_ptr<const http::Listening> listening{};
  std::string authenticator{};
  std::shared_ptr<const ServerAuthenticator> auth{};
  std::string endpoint = "localhost:4318";
  bool unix_socket = false;
  std::optional<ServerTlsOptions> tls{};
  bool include_metadata = false;
  std::vector<std::string> metadata_keys{};          // and what of it somebody asks for
  std::uint64_t max_request_body_bytes = 20u << 20;  // received, and again after decompression
  std::string traces_path = "/v1/traces";
  std::string metrics_path = "/v1/metrics";
  std::string logs_path = "/v1/logs";
  std::string profiles_path = "/v1development/profiles";
  std::chrono::milliseconds idle_timeout{60000};
  CorsOptions cors{};
  ConnectionOptions connection{};
  http::ServerCounters counters{};
  std::uint32_t max_concurrent_streams = 0;  // of an HTTP/2 connection; 0: the server's own
};

}  // namespace wirespan::gateway
