#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/config/value.h"
#include "common/telemetry/log.h"
#include "gateway/extension/extension_options.h"
#include "gateway/ingest/receiver_options.h"
#include "gateway/pipeline/attributes_processor.h"
#include "gateway/pipeline/batch_processor.h"
#include "gateway/pipeline/filter_processor.h"
#include "gateway/pipeline/k8s_attributes_processor.h"
#include "gateway/pipeline/memory_limiter.h"
#include "gateway/pipeline/probabilistic_sampler.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/store/store_options.h"

// A checked configuration: every name resolves, every value is in range. Keys of maps are component
// ids ("otlp/2").
namespace wirespan::gateway {

// What an extension can be to a component that names it.
enum class ExtensionRole : std::uint8_t { kServerAuth, kClientAuth, kStorage };

// A component's reference to an extension, checked once all extensions are known.
struct ExtensionUse {
  ExtensionRole role = ExtensionRole::kStorage;
  std::string id{};
  config::Mark mark{};
};

struct ReceiverConfig {
  std::optional<GrpcServerOptions> grpc{};
  std::optional<HttpServerOptions> http{};
  std::optional<HttpServerOptions> zipkin{};
  std::vector<ExtensionUse> extensions{};

  // gRPC and HTTP are written with the same endpoint: one listener serves both. Port 0 is a port of
  // one's own for each.
  bool one_port() const {
    return grpc && http && grpc->endpoint == http->endpoint &&
           grpc->unix_socket == http->unix_socket &&
           (grpc->unix_socket || !grpc->endpoint.ends_with(":0"));
  }
};

using ProcessorConfig =
    std::variant<BatchOptions, AttributesOptions, ResourceOptions, FilterOptions, SamplerOptions,
                 MemoryLimiterOptions, K8sAttributesOptions>;

// The embedded store, and the page that answers from it.
struct StoreExporterOptions {
  store::StoreOptions store{};
  std::optional<HttpServerOptions> query = HttpServerOptions{.endpoint = "localhost:16686"};
  std::string query_grpc_endpoint = "localhost:16685";  // empty: not served
};

struct ExporterConfig {
  std::variant<GrpcClientOptions, HttpClientOptions, FileOptions, DebugOptions, NopOptions,
               JaegerOptions, ZipkinOptions, StoreExporterOptions>
      kind{};
  QueueOptions queue{};
  RetryOptions retry{};
  std::vector<ExtensionUse> extensions{};
  // Of its settings as written and of the extensions it uses: an exporter with an equal one keeps
  // its queue when the configuration is reloaded.
  std::uint64_t fingerprint = 0;
};

struct PipelineConfig {
  std::string id{};  // "traces/2"
  Signal signal = Signal::kTraces;
  std::vector<std::string> receivers{};
  std::vector<std::string> processors{};
  std::vector<std::string> exporters{};
};

struct GatewayConfig {
  std::map<std::string, ReceiverConfig> receivers{};
  std::map<std::string, ProcessorConfig> processors{};
  std::map<std::string, ExporterConfig> exporters{};
  std::vector<PipelineConfig> pipelines{};
  std::map<std::string, ExtensionOptions> extensions{};  // those that service.extensions names
  log::Options log{};
  std::optional<ListenConfig> metrics =
      ListenConfig{.port = 8888, .path = "/metrics"};  // none: level none
  HealthOptions health{};                              // served even if no extension asks for it
  std::map<std::string, std::string> resource{};       // of the gateway itself: target_info
  std::uint64_t hash = 0;  // of the merged file: equal configurations have equal hashes
  std::vector<std::string> warnings{};  // worth a log line each: "file:line:column: sentence"
};

}  // namespace wirespan::gateway
