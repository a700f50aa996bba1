#include "gateway/app/dependent_exporters.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace wirespan::gateway {

namespace {

// Their being written to or not is nobody's loss.
bool IsDestination(const ExporterConfig& exporter) {
  return !std::holds_alternative<DebugOptions>(exporter.kind) &&
         !std::holds_alternative<NopOptions>(exporter.kind);
}

// It can be away, and senders are answered only when it has got what they sent.
bool IsWaitedFor(const ExporterConfig& exporter) {
  const bool remote = std::holds_alternative<GrpcClientOptions>(exporter.kind) ||
                      std::holds_alternative<HttpClientOptions>(exporter.kind) ||
                      std::holds_alternative<JaegerOptions>(exporter.kind) ||
                      std::holds_alternative<ZipkinOptions>(exporter.kind);
  const QueueOptions& queue = exporter.queue;
  return remote && (!queue.enabled || (queue.storage.empty() && queue.wait_for_result));
}

}  // namespace

std::vector<Dependence> FindDependence(const GatewayConfig& config) {
  // A receiver's request goes to all pipelines of its signal, and from there to all exporters.
  struct Reached {
    std::string pipeline{};
    std::set<std::string> exporters{};
  };
  std::map<std::pair<std::string, Signal>, Reached> reached;
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& receiver : pipeline.receivers) {
      Reached& here = reached[{receiver, pipeline.signal}];
      if (here.pipeline.empty()) here.pipeline = pipeline.id;
      here.exporters.insert(pipeline.exporters.begin(), pipeline.exporters.end());
    }
  }
  std::vector<Dependence> found;
  std::set<std::pair<Signal, std::set<std::string>>> told;
  for (const auto& [from, here] : reached) {
    std::vector<std::string> waited;
    std::size_t destinations = 0;
    for (const std::string& id : here.exporters) {
      const ExporterConfig& exporter = config.exporters.at(id);
      if (IsDestination(exporter)) ++destinations;
      if (IsWaitedFor(exporter)) waited.push_back(id);
    }
    if (destinations < 2 || waited.empty()) continue;
    if (!told.emplace(from.second, here.exporters).second) continue;
    found.push_back({.pipeline = here.pipeline, .waited = std::move(waited)});
  }
  return found;
}

}  // namespace wirespan::gateway
