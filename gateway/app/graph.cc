#include "gateway/app/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <set>
#include <utility>

#include "gateway/app/make_exporter.h"
#include "gateway/app/make_processor.h"
#include "gateway/ingest/grpc_receiver.h"
#include "gateway/ingest/http_receiver.h"
#include "gateway/ingest/zipkin_receiver.h"

namespace wirespan::gateway {

Result<std::unique_ptr<Graph>> Graph::Start(const GatewayConfig& config,
                                            std::shared_ptr<MemoryBudget> budget,
                                            telemetry::Registry& registry) {
  std::unique_ptr<Graph> graph(new Graph(registry));
  if (auto built = graph->BuildExporters(config); !built) return tl::unexpected(built.error());
  graph->BuildPipelines(config);
  if (auto started = graph->StartReceivers(config, budget); !started) {
    return tl::unexpected(started.error());
  }
  return graph;
}

Graph::~Graph() { Stop(std::chrono::steady_clock::now()); }

Result<> Graph::BuildExporters(const GatewayConfig& config) {
  const ExporterMaker maker(config.extensions, registry_);
  std::map<std::string, std::shared_ptr<FileWriter>> files;  // all signals of an exporter share one
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.exporters) {
      if (exporters_.contains({id, pipeline.signal})) continue;
      auto made = maker.Make(id, pipeline.signal, config.exporters.at(id), files[id]);
      if (!made) return Wrap("exporter " + id, std::move(made.error()));
      exporters_[{id, pipeline.signal}] = std::move(*made);
    }
  }
  return {};
}

// What a request of this signal has to pass before it may enter these pipelines.
Gates Graph::GatesOf(const GatewayConfig& config, const std::string& receiver,
                     Signal signal) const {
  Gates gates;
  for (const PipelineConfig& pipeline : config.pipelines) {
    const auto& from = pipeline.receivers;
    if (pipeline.signal != signal || std::find(from.begin(), from.end(), receiver) == from.end()) {
      continue;
    }
    for (const std::string& id : pipeline.exporters) {
      gates.push_back(exporters_.at({id, signal})->gate());
    }
  }
  return gates;
}

void Graph::BuildPipelines(const GatewayConfig& config) {
  for (const PipelineConfig& pipeline : config.pipelines) {
    std::vector<Consumer*> ends;
    for (const std::string& id : pipeline.exporters) {
      ends.push_back(exporters_.at({id, pipeline.signal}).get());
    }
    Consumer* entry = ends.front();
    if (ends.size() > 1) {
      fan_outs_.push_back(std::make_unique<FanOut>(std::move(ends)));
      entry = fan_outs_.back().get();
    }
    for (auto id = pipeline.processors.rbegin(); id != pipeline.processors.rend(); ++id) {
      processors_.push_back(
          MakeProcessor(*id, pipeline.signal, config.processors.at(*id), *entry, registry_));
      entry = processors_.back().get();
    }
    pipelines_[pipeline.id] = entry;
  }
}

Result<> Graph::StartReceivers(const GatewayConfig& config,
                               const std::shared_ptr<MemoryBudget>& budget) {
  for (const auto& [id, receiver] : config.receivers) {
    Door::Pipelines entries;
    bool used = false;
    for (const Signal signal : kSignals) {
      std::vector<Consumer*> next;
      for (const PipelineConfig& pipeline : config.pipelines) {
        if (pipeline.signal != signal) continue;
        if (std::find(pipeline.receivers.begin(), pipeline.receivers.end(), id) ==
            pipeline.receivers.end()) {
          continue;
        }
        next.push_back(pipelines_.at(pipeline.id));
      }
      if (next.empty()) continue;
      used = true;
      entries.gates[IndexOf(signal)] = GatesOf(config, id, signal);
      Consumer*& entry = entries.by_signal[IndexOf(signal)];
      entry = next.front();
      if (next.size() > 1) {
        fan_outs_.push_back(std::make_unique<FanOut>(std::move(next)));
        entry = fan_outs_.back().get();
      }
    }
    if (!used) continue;
    const auto keep = [&](std::string_view transport,
                          Result<std::unique_ptr<Receiver>> started) -> Result<> {
      if (!started) {
        return Wrap(fmt::format("receiver {} ({})", id, transport), std::move(started.error()));
      }
      ports_[fmt::format("{}/{}", id, transport)] = (*started)->port();
      receivers_.push_back(std::move(*started));
      return {};
    };
    const auto door = [&](std::string_view transport) {
      return std::make_unique<Door>(id, std::string(transport), entries, budget, registry_);
    };
    if (receiver.grpc) {
      auto kept = keep("grpc", StartGrpcReceiver(*receiver.grpc, door("grpc")));
      if (!kept) return kept;
    }
    if (receiver.http) {
      auto kept = keep("http", StartHttpReceiver(*receiver.http, door("http")));
      if (!kept) return kept;
    }
    if (receiver.zipkin && entries.by_signal[IndexOf(Signal::kTraces)] != nullptr) {
      auto kept = keep("http", StartZipkinReceiver(*receiver.zipkin, door("http")));
      if (!kept) return kept;
    }
  }
  return {};
}

// From the receivers' end on: what one passes on, the next may hold.
void Graph::DrainProcessors() {
  for (auto processor = processors_.rbegin(); processor != processors_.rend(); ++processor) {
    (*processor)->Drain();
  }
}

std::uint64_t Graph::Stop(std::chrono::steady_clock::time_point deadline) {
  if (exporters_.empty()) return 0;
  // Requests under way wait for exporters, so the receivers stop on threads of their own.
  std::vector<std::future<void>> stopping;
  for (auto& receiver : receivers_) {
    stopping.push_back(
        std::async(std::launch::async, [&receiver, deadline] { receiver->Stop(deadline); }));
  }
  DrainProcessors();
  // Half of the time for the requests that senders wait for, the rest for the queues.
  const auto now = std::chrono::steady_clock::now();
  const auto half = now + (std::max(deadline, now) - now) / 2;
  for (auto& stop : stopping) stop.wait_until(half);
  DrainProcessors();

  std::vector<std::future<std::uint64_t>> draining;
  for (auto& [key, exporter] : exporters_) {
    draining.push_back(std::async(std::launch::async,
                                  [&exporter, deadline] { return exporter->Drain(deadline); }));
  }
  std::uint64_t left = 0;
  for (auto& drained : draining) left += drained.get();
  for (auto& stop : stopping) stop.wait();  // every request has its answer now
  receivers_.clear();
  while (!processors_.empty()) processors_.pop_back();  // the first ones of a pipeline come last
  exporters_.clear();
  return left;
}

}  // namespace wirespan::gateway
