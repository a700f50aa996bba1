#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/ingest/receiver.h"
#include "gateway/pipeline/batch.h"
#include "gateway/pipeline/memory_budget.h"
#include "gateway/pipeline/processor.h"
#include "gateway/sink/queued_exporter.h"

namespace wirespan::gateway {

// The components of a configuration, wired: receiver -> (fan-out) -> each pipeline's processors ->
// (fan-out) -> exporters. What no pipeline names is not built. One exporter object per exporter and
// signal, one processor object per pipeline, as in the Collector.
class Graph {
 public:
  // Builds everything from the exporters' end and starts the receivers last. The registry outlives
  // the graph.
  static Result<std::unique_ptr<Graph>> Start(const GatewayConfig& config,
                                              std::shared_ptr<MemoryBudget> budget,
                                              telemetry::Registry& registry);
  ~Graph();

  // Stops accepting, passes on what processors hold, lets exporters deliver until the deadline.
  // Returns the items that were left. Once.
  std::uint64_t Stop(std::chrono::steady_clock::time_point deadline);

  // The port of "<receiver id>/grpc" or "<receiver id>/http": with port 0 in the configuration, the
  // one it got.
  const std::map<std::string, std::uint16_t>& ports() const { return ports_; }

 private:
  explicit Graph(telemetry::Registry& registry) : registry_(registry) {}
  Result<> BuildExporters(const GatewayConfig& config);
  void BuildPipelines(const GatewayConfig& config);
  Result<> StartReceivers(const GatewayConfig& config, const std::shared_ptr<MemoryBudget>& budget);
  void DrainProcessors();
  Gates GatesOf(const GatewayConfig& config, const std::string& receiver, Signal signal) const;

  telemetry::Registry& registry_;
  std::map<std::pair<std::string, Signal>, std::unique_ptr<QueuedExporter>> exporters_{};
  std::vector<std::unique_ptr<FanOut>> fan_outs_{};
  std::vector<std::unique_ptr<Processor>> processors_{};  // a pipeline's last ones first
  std::map<std::string, Consumer*> pipelines_{};          // by pipeline id: where batches enter
  std::vector<std::unique_ptr<Receiver>> receivers_{};
  std::map<std::string, std::uint16_t> ports_{};
};

}  // namespace wirespan::gateway
