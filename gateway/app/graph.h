#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/certificate_watch.h"
#include "gateway/app/cluster_watches.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/shared_sink.h"
#include "gateway/extension/extensions.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/listen_sockets.h"
#include "gateway/ingest/receiver.h"
#include "gateway/pipeline/batch.h"
#include "gateway/pipeline/component_status.h"
#include "gateway/pipeline/memory_budget.h"
#include "gateway/pipeline/pipeline_ledger.h"
#include "gateway/pipeline/processor.h"
#include "gateway/sink/queued_exporter.h"

namespace wirespan::gateway {

// What graphs share and hand on to each other. All of it outlives them.
struct GraphContext {
  std::shared_ptr<MemoryBudget> budget{};
  telemetry::Registry* registry = nullptr;
  LedgerBook* book = nullptr;
  StatusBoard* board = nullptr;
  ListenSockets* sockets = nullptr;
  ClusterWatches* clusters = nullptr;
};

// The components of a configuration, wired: receiver -> (fan-out) -> each pipeline's processors ->
// (fan-out) -> exporters. What no pipeline names is not built. One exporter object per exporter and
// signal, one processor object per pipeline, as in the Collector.
class Graph {
 public:
  // Builds everything from the exporters' end and starts the receivers last. `previous` (may be
  // null) goes on running: its exporters with equal settings are shared, with what they hold, and
  // its listening sockets too. On an error nothing of it has changed.
  static Result<std::unique_ptr<Graph>> Start(const GatewayConfig& config,
                                              const GraphContext& context,
                                              const Graph* previous = nullptr);
  ~Graph();

  // An exporter of this graph writes to a folder that the new configuration wants under other
  // settings: then this graph has to end before that one can begin.
  bool Blocks(const GatewayConfig& next) const;

  // Takes no new connections, see Receiver.
  void StopAccepting();
  // Stops accepting, passes on what processors hold, lets exporters that no other graph shares
  // deliver until the deadline. Returns the items that were left. Once.
  std::uint64_t Stop(std::chrono::steady_clock::time_point deadline);

  // The port of "<receiver id>/grpc" or "<receiver id>/http": with port 0 in the configuration, the
  // one it got.
  const std::map<std::string, std::uint16_t>& ports() const { return ports_; }
  const ListenSockets::Set& sockets() const { return socket_set_; }

 private:
  struct Exporter {
    std::shared_ptr<QueuedExporter> exporter{};
    std::uint64_t fingerprint = 0;
    bool durable = false;
    std::vector<std::string>
        claims{};  // a store's folder and address: one graph has them at a time
  };
  using ExporterKey = std::pair<std::string, Signal>;

  explicit Graph(const GraphContext& context) : context_(context), socket_set_(*context.sockets) {}
  Result<> BuildExporters(const GatewayConfig& config, const Graph* previous);
  Result<> BuildPipelines(const GatewayConfig& config);
  Result<> StartReceivers(const GatewayConfig& config);
  Result<> StartReceiver(const std::string& id, const ReceiverConfig& receiver,
                         const Door::Pipelines& entries);
  void DrainProcessors();
  Gates GatesOf(const GatewayConfig& config, const std::string& receiver, Signal signal) const;

  const GraphContext context_;
  std::unique_ptr<Extensions> extensions_{};
  ListenSockets::Set socket_set_;
  std::unique_ptr<CertificateWatch> certificates_{};
  std::map<std::string, SharedSink> shared_{};  // by exporter
  std::map<ExporterKey, Exporter> exporters_{};
  std::vector<std::unique_ptr<Consumer>> joints_{};       // fan-outs and the ledger's stages
  std::vector<std::unique_ptr<Processor>> processors_{};  // a pipeline's last ones first
  std::map<std::string, Consumer*> pipelines_{};          // by pipeline id: where batches enter
  std::vector<std::unique_ptr<Receiver>> receivers_{};
  std::vector<std::shared_ptr<ComponentStatus>> statuses_{};  // of receivers
  std::map<std::string, std::uint16_t> ports_{};
};

}  // namespace wirespan::gateway
