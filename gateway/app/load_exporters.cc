#include <fmt/format.h>

#include "common/base/strings.h"
#include "gateway/app/components.h"
#include "gateway/app/load_components.h"

namespace wirespan::gateway {

namespace {

using config::Node;

ClientTlsOptions ReadTls(const Node& node) {
  ClientTlsOptions tls;
  tls.insecure = node["insecure"].Bool(false);
  tls.insecure_skip_verify = node["insecure_skip_verify"].Bool(false);
  tls.server_name_override = node["server_name_override"].String();
  tls.ca_file = node["ca_file"].String();
  tls.cert_file = node["cert_file"].String();
  tls.key_file = node["key_file"].String();
  node.RefuseOthers();
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    node.Fail("a client certificate needs both cert_file and key_file");
  }
  return tls;
}

QueueOptions ReadQueue(const Node& node) {
  QueueOptions queue;
  queue.enabled = node["enabled"].Bool(true);
  queue.num_consumers = static_cast<std::size_t>(
      node["num_consumers"].Int(static_cast<std::int64_t>(queue.num_consumers), 1, 10000));
  queue.queue_size = static_cast<std::uint64_t>(node["queue_size"].Int(
      static_cast<std::int64_t>(queue.queue_size), 1, std::int64_t{1} << 40));
  queue.sizer = node["sizer"].Choice<Sizer>(
      queue.sizer,
      {{"requests", Sizer::kRequests}, {"items", Sizer::kItems}, {"bytes", Sizer::kBytes}});
  queue.wait_for_result = node["wait_for_result"].Bool(false);
  queue.block_on_overflow = node["block_on_overflow"].Bool(false);
  node.RefuseOthers();
  return queue;
}

RetryOptions ReadRetry(const Node& node) {
  RetryOptions retry;
  retry.enabled = node["enabled"].Bool(true);
  retry.initial_interval = ReadDuration(node["initial_interval"], retry.initial_interval);
  retry.randomization_factor =
      node["randomization_factor"].Number(retry.randomization_factor, 0, 1);
  retry.multiplier = node["multiplier"].Number(retry.multiplier, 1, 100);
  retry.max_interval = ReadDuration(node["max_interval"], retry.max_interval);
  retry.max_elapsed_time = ReadDuration(node["max_elapsed_time"], retry.max_elapsed_time);
  node.RefuseOthers();
  return retry;
}

// The texts of a map, in the order written; a header's value may be secret and is never logged.
HeaderList ReadHeaders(const Node& node) {
  HeaderList headers;
  for (auto& [name, value] : node.StringMap())
    headers.emplace_back(std::move(name), std::move(value));
  return headers;
}

GrpcClientOptions ReadGrpc(const Node& node) {
  GrpcClientOptions options;
  options.endpoint = node["endpoint"].String();
  options.tls = ReadTls(node["tls"]);
  options.compression = node["compression"].Choice<Compression>(options.compression,
                                                                {{"gzip", Compression::kGzip},
                                                                 {"none", Compression::kIdentity},
                                                                 {"", Compression::kIdentity}});
  options.headers = ReadHeaders(node["headers"]);
  for (auto& [name, value] : options.headers) name = AsciiLower(name);  // HTTP/2 demands it
  options.timeout = ReadDuration(node["timeout"], options.timeout);
  options.wait_for_ready = node["wait_for_ready"].Bool(false);
  options.balancer_name = node["balancer_name"].Choice<const char*>(
      "round_robin", {{"round_robin", "round_robin"}, {"pick_first", "pick_first"}});
  options.authority = node["authority"].String();
  const Node keepalive = node["keepalive"];
  options.keepalive_time = ReadDuration(keepalive["time"], {});
  options.keepalive_timeout = ReadDuration(keepalive["timeout"], {});
  options.keepalive_permit_without_stream = keepalive["permit_without_stream"].Bool(false);
  keepalive.RefuseOthers();
  return options;
}

std::string ReadUrl(const Node& node) {
  std::string url = node.String();
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    node.Fail(fmt::format("\"{}\" must begin with http:// or https://", url));
  }
  return url;
}

HttpClientOptions ReadHttp(const Node& node) {
  HttpClientOptions options;
  options.endpoint = ReadUrl(node["endpoint"]);
  options.traces_endpoint = ReadUrl(node["traces_endpoint"]);
  options.metrics_endpoint = ReadUrl(node["metrics_endpoint"]);
  options.logs_endpoint = ReadUrl(node["logs_endpoint"]);
  options.tls = ReadTls(node["tls"]);
  options.compression = node["compression"].Choice<Compression>(options.compression,
                                                                {{"gzip", Compression::kGzip},
                                                                 {"zstd", Compression::kZstd},
                                                                 {"deflate", Compression::kDeflate},
                                                                 {"zlib", Compression::kDeflate},
                                                                 {"none", Compression::kIdentity},
                                                                 {"", Compression::kIdentity}});
  options.encoding = node["encoding"].Choice<Encoding>(
      options.encoding, {{"proto", Encoding::kProto}, {"json", Encoding::kJson}});
  options.headers = ReadHeaders(node["headers"]);
  options.timeout = ReadDuration(node["timeout"], options.timeout);
  options.proxy_url = node["proxy_url"].String();
  return options;
}

FileOptions ReadFile(const Node& node) {
  FileOptions options;
  options.path = node["path"].String();
  options.format = node["format"].Choice<Encoding>(
      options.format, {{"json", Encoding::kJson}, {"proto", Encoding::kProto}});
  options.append = node["append"].Bool(false);
  const Node rotation = node["rotation"];
  if (rotation.present()) {
    options.max_megabytes =
        static_cast<std::uint64_t>(rotation["max_megabytes"].Int(100, 1, 1 << 20));
    options.max_backups = static_cast<std::uint64_t>(rotation["max_backups"].Int(100, 0, 1 << 20));
    rotation.RefuseOthers();
    if (options.append) node["append"].Fail("append and rotation exclude each other");
  }
  return options;
}

DebugOptions ReadDebug(const Node& node) {
  DebugOptions options;
  options.verbosity =
      node["verbosity"].Choice<Verbosity>(options.verbosity, {{"basic", Verbosity::kBasic},
                                                              {"normal", Verbosity::kNormal},
                                                              {"detailed", Verbosity::kDetailed}});
  options.sampling_initial =
      static_cast<std::uint64_t>(node["sampling_initial"].Int(2, 0, 1 << 30));
  options.sampling_thereafter =
      static_cast<std::uint64_t>(node["sampling_thereafter"].Int(1, 0, 1 << 30));
  return options;
}

}  // namespace

ExporterConfig LoadExporter(const Node& parent, const std::string& id, const Node& node) {
  ExporterConfig exporter;
  const std::string_view type = TypeOf(id);
  const auto demand = [&](std::string_view key, bool given) {
    if (!given) parent.FailAtKey(id, fmt::format("{} needs {}", id, key));
  };
  if (type == "file" || type == "debug") {
    exporter.queue.enabled = false;  // neither has one: the answer comes after the write
    exporter.retry.enabled = false;
    if (type == "file") {
      FileOptions file = ReadFile(node);
      demand("a path", !file.path.empty());
      exporter.kind = std::move(file);
    } else {
      exporter.kind = ReadDebug(node);
    }
    node.RefuseOthers();
    return exporter;
  }
  exporter.queue = ReadQueue(node["sending_queue"]);
  exporter.retry = ReadRetry(node["retry_on_failure"]);
  if (type == "otlp" || type == "otlp_grpc") {
    GrpcClientOptions grpc = ReadGrpc(node);
    demand("an endpoint", !grpc.endpoint.empty());
    exporter.kind = std::move(grpc);
  } else {
    HttpClientOptions http = ReadHttp(node);
    demand("an endpoint", !http.endpoint.empty() || !http.traces_endpoint.empty() ||
                              !http.metrics_endpoint.empty() || !http.logs_endpoint.empty());
    exporter.kind = std::move(http);
  }
  node.RefuseOthers();
  return exporter;
}

}  // namespace wirespan::gateway
