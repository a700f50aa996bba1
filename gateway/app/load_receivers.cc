#include "gateway/app/components.h"
#include "gateway/app/load_components.h"
#include "gateway/ingest/endpoint.h"

namespace wirespan::gateway {

namespace {

using config::Node;

constexpr std::int64_t kMaxMib = 1024;

std::optional<ServerTlsOptions> ReadServerTls(const Node& node) {
  if (node.null()) return std::nullopt;
  ServerTlsOptions tls;
  tls.cert_file = node["cert_file"].String();
  tls.key_file = node["key_file"].String();
  tls.client_ca_file = node["client_ca_file"].String();
  tls.reload_interval = ReadDuration(node["reload_interval"], {});
  if (node["client_ca_file_reload"].Bool(false) && tls.reload_interval.count() == 0) {
    tls.reload_interval = std::chrono::seconds(1);
  }
  node.RefuseOthers();
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    node.Fail("TLS needs both cert_file and key_file");
  }
  return tls;
}

void ReadEndpoint(const Node& node, std::string& endpoint, bool& unix_socket) {
  endpoint = node["endpoint"].String(endpoint);
  unix_socket = node["transport"].Choice(false, {{"tcp", false}, {"unix", true}});
  if (unix_socket) return;
  if (auto parsed = ParseHostPort(endpoint); !parsed) node["endpoint"].Fail(parsed.error().message);
}

ConnectionOptions ReadKeepalive(const Node& node) {
  ConnectionOptions options;
  const Node server = node["server_parameters"];
  options.max_idle = ReadDuration(server["max_connection_idle"], {});
  options.max_age = ReadDuration(server["max_connection_age"], {});
  options.max_age_grace = ReadDuration(server["max_connection_age_grace"], {});
  options.ping_after = ReadDuration(server["time"], {});
  options.ping_timeout = ReadDuration(server["timeout"], {});
  server.RefuseOthers();
  const Node policy = node["enforcement_policy"];
  options.min_ping_interval = ReadDuration(policy["min_time"], {});
  options.permit_pings_without_stream = policy["permit_without_stream"].Bool(false);
  policy.RefuseOthers();
  node.RefuseOthers();
  return options;
}

GrpcServerOptions ReadGrpc(const Node& node, std::vector<ExtensionUse>& uses) {
  GrpcServerOptions options;
  options.authenticator = ReadAuthenticator(node["auth"], ExtensionRole::kServerAuth, uses);
  ReadEndpoint(node, options.endpoint, options.unix_socket);
  options.tls = ReadServerTls(node["tls"]);
  options.include_metadata = node["include_metadata"].Bool(false);
  const std::int64_t mib = node["max_recv_msg_size_mib"].Int(0, 0, kMaxMib);  // 0: the default
  if (mib > 0) options.max_recv_msg_size_bytes = static_cast<std::uint64_t>(mib) << 20;
  options.max_concurrent_streams =
      static_cast<std::uint32_t>(node["max_concurrent_streams"].Int(0, 0, 1 << 20));
  options.connection = ReadKeepalive(node["keepalive"]);
  node.RefuseOthers();
  return options;
}

void ReadPath(const Node& node, std::string& path) {
  path = node.String(path);
  if (!path.starts_with('/')) path.insert(0, "/");
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
}

HttpServerOptions ReadHttp(const Node& node, std::vector<ExtensionUse>& uses) {
  HttpServerOptions options = ReadHttpServer(node, {}, uses);
  ReadPath(node["traces_url_path"], options.traces_path);
  ReadPath(node["metrics_url_path"], options.metrics_path);
  ReadPath(node["logs_url_path"], options.logs_path);
  ReadPath(node["profiles_url_path"], options.profiles_path);
  node.RefuseOthers();
  return options;
}

// gRPC and HTTP with the same endpoint share one listener, so what a listener has must be the same.
void CheckShared(const Node& http, ReceiverConfig& receiver) {
  if (!receiver.one_port()) return;
  const GrpcServerOptions& grpc = *receiver.grpc;
  HttpServerOptions& options = *receiver.http;
  if (grpc.tls != options.tls) {
    http.Fail("grpc and http share the endpoint " + options.endpoint +
              ", so both need the same tls block, or none");
  }
  // gRPC's keepalive is what its users know; http's own may only repeat it.
  if (options.connection != ConnectionOptions{} && options.connection != grpc.connection) {
    http.Fail("grpc and http share the endpoint " + options.endpoint +
              ", so keepalive belongs to grpc alone");
  }
  options.connection = grpc.connection;
  if (options.max_concurrent_streams == 0) {
    options.max_concurrent_streams = grpc.max_concurrent_streams;
  }
}

}  // namespace

HttpServerOptions ReadHttpServer(const Node& node, HttpServerOptions options,
                                 std::vector<ExtensionUse>& uses) {
  options.authenticator = ReadAuthenticator(node["auth"], ExtensionRole::kServerAuth, uses);
  ReadEndpoint(node, options.endpoint, options.unix_socket);
  options.tls = ReadServerTls(node["tls"]);
  options.include_metadata = node["include_metadata"].Bool(false);
  const std::int64_t bytes = node["max_request_body_size"].Int(0, 0, kMaxMib << 20);
  if (bytes > 0) options.max_request_body_bytes = static_cast<std::uint64_t>(bytes);
  const auto idle = ReadDuration(node["idle_timeout"], options.idle_timeout);
  if (idle >= std::chrono::seconds(1))
    options.idle_timeout = idle;  // 0 would keep dead peers for ever
  const Node cors = node["cors"];
  options.cors.allowed_origins = cors["allowed_origins"].Strings();
  options.cors.allowed_headers = cors["allowed_headers"].Strings();
  options.cors.exposed_headers = cors["exposed_headers"].Strings();
  options.cors.max_age = std::chrono::seconds(cors["max_age"].Int(0, 0, 31536000));
  cors.RefuseOthers();
  options.connection = ReadKeepalive(node["keepalive"]);
  options.max_concurrent_streams =
      static_cast<std::uint32_t>(node["max_concurrent_streams"].Int(0, 0, 1 << 20));
  return options;
}

void ReadHostPort(const Node& node, std::string& host, std::uint16_t& port) {
  const std::string endpoint = node.String();
  if (endpoint.empty()) return;
  auto parsed = ParseHostPort(endpoint);
  if (!parsed) {
    node.Fail(parsed.error().message);
    return;
  }
  host = parsed->host.empty() ? "::" : parsed->host;
  port = parsed->port;
}

std::chrono::milliseconds ReadDuration(const Node& node, std::chrono::milliseconds fallback) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(node.Duration(fallback));
}

ReceiverConfig LoadReceiver(const Node& parent, const std::string& id, const Node& node) {
  ReceiverConfig receiver;
  if (TypeOf(id) == "zipkin") {
    receiver.zipkin = ReadHttpServer(node, {.endpoint = "localhost:9411"}, receiver.extensions);
    node.RefuseOthers();
    return receiver;
  }
  const Node protocols = node["protocols"];
  // "grpc:" alone means "with all defaults".
  if (protocols["grpc"].present()) {
    receiver.grpc = ReadGrpc(protocols["grpc"], receiver.extensions);
  }
  if (protocols["http"].present()) {
    receiver.http = ReadHttp(protocols["http"], receiver.extensions);
    CheckShared(protocols["http"], receiver);
  }
  protocols.RefuseOthers();
  node.RefuseOthers();
  if (!receiver.grpc && !receiver.http) {
    parent.FailAtKey(id, id + " needs protocols with grpc, http or both");
  }
  return receiver;
}

}  // namespace wirespan::gateway
