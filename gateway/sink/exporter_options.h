#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/http/proxy.h"
#include "common/otlp/compress.h"
#include "gateway/pipeline/auth.h"

// The settings of exporters, with the Collector's keys and defaults.
namespace wirespan::gateway {

enum class Sizer : std::uint8_t { kRequests, kItems, kBytes };

// sending_queue.batch: requests that wait are joined.
struct QueueBatchOptions {
  Sizer sizer = Sizer::kItems;  // kItems or kBytes
  std::uint64_t min_size = 8192;
  std::uint64_t max_size = 0;  // 0: none; larger requests are cut
  std::chrono::milliseconds flush_timeout{200};
};

struct QueueOptions {
  bool enabled = true;
  std::size_t num_consumers = 10;
  std::uint64_t queue_size = 1000;
  Sizer sizer = Sizer::kRequests;
  // False only where the file says so: then the sender is answered before delivery, out of memory.
  bool wait_for_result = true;
  bool block_on_overflow = false;  // hold the sender until there is room, instead of refusing
  std::string storage{};           // a file_storage extension: the sender is answered from disk
  bool drop_oldest = false;        // with storage: lose the oldest rather than refuse
  std::optional<QueueBatchOptions> batch{};
  // What is kept of requests' metadata, in memory and on disk: batch.partition.metadata_keys, and
  // what the exporter's authenticator reads. Requests are joined only where these are equal.
  std::vector<std::string> metadata_keys{};
  // Uncompressed, as OTLP recommends. A larger request is cut, a larger item is not sent. 0: none.
  std::uint64_t max_request_bytes = std::uint64_t{64} << 20;
  // A sender that waits is held for so long while attempts fail; then it is told to come again.
  std::chrono::milliseconds patience{5000};
};

struct RetryOptions {
  bool enabled = true;
  std::chrono::milliseconds initial_interval{5000};
  double randomization_factor = 0.5;
  double multiplier = 1.5;
  std::chrono::milliseconds max_interval{30000};
  std::chrono::milliseconds max_elapsed_time{300000};  // 0: for ever
};

struct ClientTlsOptions {
  bool insecure = false;  // no TLS
  bool insecure_skip_verify = false;
  std::string server_name_override{};
  std::string ca_file{};
  std::string cert_file{};
  std::string key_file{};
  std::chrono::milliseconds reload_interval{0};  // how often the files are looked at; 0: never
};

// See proxy_choice.h.
struct ProxyOptions {
  std::string url{};  // proxy_url; its password is a secret
  http::ProxySettings
      environment{};  // HTTP_PROXY, HTTPS_PROXY, NO_PROXY; set by who makes exporters
};

using Compression = otlp::Encoding;
enum class Encoding : std::uint8_t { kProto, kJson };

struct GrpcClientOptions {
  std::string endpoint{};
  ClientTlsOptions tls{};
  Compression compression = Compression::kGzip;
  HeaderList headers{};
  std::chrono::milliseconds timeout{5000};
  bool wait_for_ready = false;
  std::string balancer_name = "round_robin";
  std::string authority{};
  std::chrono::milliseconds keepalive_time{0};  // 0: none
  std::chrono::milliseconds keepalive_timeout{0};
  bool keepalive_permit_without_stream = false;
  ProxyOptions proxy{};
  std::string authenticator{};                        // auth::authenticator: an extension's id
  std::shared_ptr<const ClientAuthenticator> auth{};  // and what it stands for; null: none
};

struct HttpClientOptions {
  std::string endpoint{};  // base URL; /v1/<signal> is appended
  std::string traces_endpoint{};
  std::string metrics_endpoint{};
  std::string logs_endpoint{};
  std::string profiles_endpoint{};
  ClientTlsOptions tls{};
  Compression compression = Compression::kGzip;
  Encoding encoding = Encoding::kProto;
  HeaderList headers{};
  std::chrono::milliseconds timeout{30000};
  ProxyOptions proxy{};
  std::string authenticator{};                        // auth::authenticator: an extension's id
  std::shared_ptr<const ClientAuthenticator> auth{};  // and what it stands for; null: none
};

struct FileOptions {
  std::string path{};
  Encoding format = Encoding::kJson;
  bool append = false;
  Compression compression = Compression::kIdentity;  // or kZstd: each record is a frame of its own
  // Rotation: on when max_megabytes > 0.
  std::uint64_t max_megabytes = 0;
  std::uint64_t max_backups = 100;
};

enum class Verbosity : std::uint8_t { kBasic, kNormal, kDetailed };

struct DebugOptions {
  Verbosity verbosity = Verbosity::kBasic;
  std::uint64_t sampling_initial = 2;
  std::uint64_t sampling_thereafter = 1;
};

struct NopOptions {};

// Jaeger's own gRPC (api_v2 PostSpans), which jaeger receivers take to this day.
struct JaegerOptions {
  GrpcClientOptions client{.compression = Compression::kIdentity};
  bool tls_written = false;  // no tls block: plaintext, with a warning
};

// Zipkin's v2 JSON; the endpoint is the whole URL.
struct ZipkinOptions {
  HttpClientOptions client{.compression = Compression::kIdentity};
};

}  // namespace wirespan::gateway
