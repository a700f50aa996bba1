#include <fmt/format.h>

#include <algorithm>

#include "common/base/strings.h"
#include "gateway/app/components.h"
#include "gateway/app/load_components.h"
#include "gateway/sink/proxy_choice.h"
#include "gateway/sink/stored_batch.h"

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
  tls.reload_interval = ReadDuration(node["reload_interval"], {});
  node.RefuseOthers();
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    node.Fail("a client certificate needs both cert_file and key_file");
  }
  return tls;
}

QueueBatchOptions ReadQueueBatch(const Node& node, std::vector<std::string>& metadata_keys) {
  QueueBatchOptions batch;
  const Node partition = node["partition"];
  metadata_keys = ReadMetadataKeys(partition["metadata_keys"]);
  partition.RefuseOthers();
  batch.sizer = node["sizer"].Choice<Sizer>(batch.sizer,
                                            {{"items", Sizer::kItems}, {"bytes", Sizer::kBytes}});
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  batch.min_size = static_cast<std::uint64_t>(
      node["min_size"].Int(static_cast<std::int64_t>(batch.min_size), 0, kMost));
  batch.max_size = static_cast<std::uint64_t>(node["max_size"].Int(0, 0, kMost));
  batch.flush_timeout = ReadDuration(node["flush_timeout"], batch.flush_timeout);
  node.RefuseOthers();
  if (batch.max_size > 0 && batch.max_size < batch.min_size) {
    node["max_size"].Fail("max_size must not be less than min_size");
  }
  return batch;
}

QueueOptions ReadQueue(const Node& node, std::vector<ExtensionUse>& uses) {
  QueueOptions queue;
  queue.enabled = node["enabled"].Bool(true);
  queue.num_consumers = static_cast<std::size_t>(
      node["num_consumers"].Int(static_cast<std::int64_t>(queue.num_consumers), 1, 10000));
  queue.queue_size = static_cast<std::uint64_t>(node["queue_size"].Int(
      static_cast<std::int64_t>(queue.queue_size), 1, std::int64_t{1} << 50));
  queue.sizer = node["sizer"].Choice<Sizer>(
      queue.sizer,
      {{"requests", Sizer::kRequests}, {"items", Sizer::kItems}, {"bytes", Sizer::kBytes}});
  // Not written is not "false": an early answer has to be asked for.
  queue.wait_for_result = node["wait_for_result"].Bool(true);
  const bool wants_result = node["wait_for_result"].present() && queue.wait_for_result;
  queue.block_on_overflow = node["block_on_overflow"].Bool(false);
  queue.storage = ReadStorage(node["storage"], uses);
  queue.drop_oldest = node["drop_oldest"].Bool(false);
  if (node["batch"].present()) {
    queue.batch = ReadQueueBatch(node["batch"], queue.metadata_keys);
  }
  node.RefuseOthers();
  if (!queue.storage.empty() && wants_result) {
    node["wait_for_result"].Fail(
        "wait_for_result and storage exclude each other: with storage senders are answered from "
        "disk");
  }
  const auto secret =
      std::find_if(queue.metadata_keys.begin(), queue.metadata_keys.end(), IsCredential);
  if (!queue.storage.empty() && secret != queue.metadata_keys.end()) {
    node["batch"]["partition"]["metadata_keys"].Fail(
        fmt::format("{} is a credential, and those are not written to disk: it can't part a queue "
                    "with storage",
                    *secret));
  }
  if (queue.storage.empty() && queue.drop_oldest) {
    node["drop_oldest"].Fail("drop_oldest needs storage");
  }
  return queue;
}

RetryOptions ReadRetry(const Node& node, bool stored) {
  RetryOptions retry;
  // What was answered from disk stays there until it is delivered, unless the file says otherwise.
  if (stored) retry.max_elapsed_time = {};
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

std::string ReadProxyUrl(const Node& node) {
  std::string url = node.String();
  if (auto checked = CheckProxy("proxy_url", url); !checked) node.Fail(checked.error().message);
  return url;
}

GrpcClientOptions ReadGrpc(const Node& node, GrpcClientOptions options = {}) {
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
  options.proxy.url = ReadProxyUrl(node["proxy_url"]);
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

HttpClientOptions ReadHttp(const Node& node, HttpClientOptions options = {}) {
  options.endpoint = ReadUrl(node["endpoint"]);
  options.tls = ReadTls(node["tls"]);
  options.compression = node["compression"].Choice<Compression>(options.compression,
                                                                {{"gzip", Compression::kGzip},
                                                                 {"zstd", Compression::kZstd},
                                                                 {"deflate", Compression::kDeflate},
                                                                 {"zlib", Compression::kDeflate},
                                                                 {"none", Compression::kIdentity},
                                                                 {"", Compression::kIdentity}});
  options.headers = ReadHeaders(node["headers"]);
  options.timeout = ReadDuration(node["timeout"], options.timeout);
  options.proxy.url = ReadProxyUrl(node["proxy_url"]);
  return options;
}

HttpClientOptions ReadOtlpHttp(const Node& node) {
  HttpClientOptions options = ReadHttp(node);
  options.traces_endpoint = ReadUrl(node["traces_endpoint"]);
  options.metrics_endpoint = ReadUrl(node["metrics_endpoint"]);
  options.logs_endpoint = ReadUrl(node["logs_endpoint"]);
  options.profiles_endpoint = ReadUrl(node["profiles_endpoint"]);
  options.encoding = node["encoding"].Choice<Encoding>(
      options.encoding, {{"proto", Encoding::kProto}, {"json", Encoding::kJson}});
  return options;
}

JaegerOptions ReadJaeger(const Node& node) {
  JaegerOptions options;
  options.client = ReadGrpc(node, options.client);
  options.tls_written = node["tls"].present();
  if (!options.tls_written) options.client.tls.insecure = true;
  return options;
}

ZipkinOptions ReadZipkin(const Node& node) {
  ZipkinOptions options;
  options.client.timeout = std::chrono::seconds(5);
  options.client = ReadHttp(node, options.client);
  node["format"].Choice(true, {{"json", true}});
  return options;
}

FileOptions ReadFile(const Node& node) {
  FileOptions options;
  options.path = node["path"].String();
  options.format = node["format"].Choice<Encoding>(
      options.format, {{"json", Encoding::kJson}, {"proto", Encoding::kProto}});
  options.append = node["append"].Bool(false);
  options.compression = node["compression"].Choice<Compression>(Compression::kIdentity,
                                                                {{"zstd", Compression::kZstd},
                                                                 {"none", Compression::kIdentity},
                                                                 {"", Compression::kIdentity}});
  static_cast<void>(node["flush_interval"].Duration({}));  // nothing is held back here
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

StoreExporterOptions ReadStore(const Node& node, std::vector<ExtensionUse>& uses) {
  // Logs of two tables and the block that is made of one: less could not be kept to.
  constexpr std::int64_t kLeastMib = 256;
  constexpr std::int64_t kMostMib = std::int64_t{1} << 30;
  StoreExporterOptions options;
  options.store.directory = node["directory"].String();
  options.store.sync = node["fsync"].Bool(true);
  const Node retention = node["retention"];
  options.store.max_age = ReadDuration(retention["max_age"], options.store.max_age);
  options.store.max_rates_age =
      ReadDuration(retention["max_rates_age"], options.store.max_rates_age);
  options.store.max_disk_bytes =
      static_cast<std::uint64_t>(retention["max_size_mib"].Int(10240, kLeastMib, kMostMib)) << 20;
  retention.RefuseOthers();
  for (const char* key : {"cors", "include_metadata", "max_request_body_size"}) {
    const Node meaningless = node["query"][key];
    if (meaningless.present()) meaningless.Fail(fmt::format("{} has no meaning here", key));
  }
  // Whoever moves the one port is asked where the other is to be, or does without it.
  options.query_grpc_endpoint = node["query"]["grpc_endpoint"].String(
      node["query"]["endpoint"].present() ? "" : options.query_grpc_endpoint);
  options.query = ReadHttpServer(node["query"], *options.query, uses);
  node["query"].RefuseOthers();
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
  if (type == "file" || type == "debug" || type == "nop" || type == "store") {
    exporter.queue.enabled = false;  // none has one: the answer comes after the write
    exporter.retry.enabled = false;
    exporter.queue.max_request_bytes = 0;
    if (type == "file") {
      FileOptions file = ReadFile(node);
      demand("a path", !file.path.empty());
      exporter.kind = std::move(file);
    } else if (type == "store") {
      StoreExporterOptions store = ReadStore(node, exporter.extensions);
      demand("a directory", !store.store.directory.empty());
      exporter.kind = std::move(store);
    } else if (type == "debug") {
      exporter.kind = ReadDebug(node);
    } else {
      exporter.kind = NopOptions{};
    }
    node.RefuseOthers();
    return exporter;
  }
  exporter.queue = ReadQueue(node["sending_queue"], exporter.extensions);
  exporter.retry = ReadRetry(node["retry_on_failure"], !exporter.queue.storage.empty());
  const std::string authenticator =
      ReadAuthenticator(node["auth"], ExtensionRole::kClientAuth, exporter.extensions);
  if (type == "otlp" || type == "otlp_grpc") {
    GrpcClientOptions grpc = ReadGrpc(node);
    grpc.authenticator = authenticator;
    demand("an endpoint", !grpc.endpoint.empty());
    exporter.kind = std::move(grpc);
  } else if (type == "jaeger") {
    JaegerOptions jaeger = ReadJaeger(node);
    jaeger.client.authenticator = authenticator;
    demand("an endpoint", !jaeger.client.endpoint.empty());
    exporter.kind = std::move(jaeger);
  } else if (type == "zipkin") {
    ZipkinOptions zipkin = ReadZipkin(node);
    zipkin.client.authenticator = authenticator;
    demand("an endpoint", !zipkin.client.endpoint.empty());
    exporter.kind = std::move(zipkin);
  } else {
    HttpClientOptions http = ReadOtlpHttp(node);
    http.authenticator = authenticator;
    demand("an endpoint", !http.endpoint.empty() || !http.traces_endpoint.empty() ||
                              !http.metrics_endpoint.empty() || !http.logs_endpoint.empty() ||
                              !http.profiles_endpoint.empty());
    exporter.kind = std::move(http);
  }
  node.RefuseOthers();
  return exporter;
}

}  // namespace wirespan::gateway
