#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/config/value.h"
#include "common/telemetry/log.h"
#include "gateway/ingest/receiver_options.h"
#include "gateway/pipeline/batch_processor.h"
#include "gateway/sink/exporter_options.h"

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
  std::vector<ExtensionUse> extensions{};
};

using ProcessorConfig = std::variant<BatchOptions>;

struct ExporterConfig {
  std::variant<GrpcClientOptions, HttpClientOptions, FileOptions, DebugOptions> kind{};
  QueueOptions queue{};
  RetryOptions retry{};
  std::vector<ExtensionUse> extensions{};
};

struct PipelineConfig {
  std::string id{};  // "traces/2"
  Signal signal = Signal::kTraces;
  std::vector<std::string> receivers{};
  std::vector<std::string> processors{};
  std::vector<std::string> exporters{};
};

struct ListenConfig {
  std::string host = "localhost";
  std::uint16_t port = 0;
  std::string path{};
  bool configured = false;  // named in the file: then it must be had
};

struct GatewayConfig {
  std::map<std::string, ReceiverConfig> receivers{};
  std::map<std::string, ProcessorConfig> processors{};
  std::map<std::string, ExporterConfig> exporters{};
  std::vector<PipelineConfig> pipelines{};
  log::Options log{};
  std::optional<ListenConfig> metrics =
      ListenConfig{.port = 8888, .path = "/metrics"};  // none: level none
  ListenConfig health{.port = 13133, .path = "/"};
};

}  // namespace wirespan::gateway
