#include "gateway/app/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "gateway/app/make_exporter.h"
#include "gateway/app/make_processor.h"
#include "gateway/app/tenants.h"
#include "gateway/ingest/grpc_receiver.h"
#include "gateway/ingest/http_receiver.h"
#include "gateway/ingest/http_settings.h"
#include "gateway/ingest/zipkin_receiver.h"
#include "gateway/pipeline/ledger_stages.h"

namespace wirespan::gateway {

namespace {

std::vector<std::string> ClaimsOf(const ExporterConfig& exporter) {
  const auto* store = std::get_if<StoreExporterOptions>(&exporter.kind);
  if (store == nullptr) return {};
  return {store->store.directory, store->query->endpoint};
}

}  // namespace

Result<std::unique_ptr<Graph>> Graph::Start(const GatewayConfig& config,
                                            const GraphContext& context, const Graph* previous) {
  std::unique_ptr<Graph> graph(new Graph(context));
  auto extensions = Extensions::Create(config.extensions);
  if (!extensions) return Wrap("extension", std::move(extensions.error()));
  graph->extensions_ = std::move(*extensions);
  if (auto built = graph->BuildExporters(config, previous); !built) {
    return tl::unexpected(built.error());
  }
  if (auto built = graph->BuildPipelines(config); !built) return tl::unexpected(built.error());
  graph->certificates_ =
      std::make_unique<CertificateWatch>(FindWatchedCertificates(config), *context.registry);
  if (auto started = graph->StartReceivers(config); !started) {
    return tl::unexpected(started.error());
  }
  return graph;
}

Graph::~Graph() { Stop(std::chrono::steady_clock::now()); }

bool Graph::Blocks(const GatewayConfig& next) const {
  // Of an exporter of theirs that is not one of ours: does it want what ours has?
  const auto wants = [&](const ExporterKey& key, const Exporter& ours) {
    return std::any_of(next.exporters.begin(), next.exporters.end(), [&](const auto& entry) {
      const auto& [id, theirs] = entry;
      if (id == key.first && theirs.fingerprint == ours.fingerprint) return false;
      if (id == key.first && ours.durable) return true;
      const std::vector<std::string> claims = ClaimsOf(theirs);
      return std::find_first_of(claims.begin(), claims.end(), ours.claims.begin(),
                                ours.claims.end()) != claims.end();
    });
  };
  return std::any_of(exporters_.begin(), exporters_.end(),
                     [&](const auto& entry) { return wants(entry.first, entry.second); });
}

Result<> Graph::BuildExporters(const GatewayConfig& config, const Graph* previous) {
  const ExporterMaker maker(*extensions_, *context_.registry, context_.book, context_.board);
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.exporters) {
      const ExporterKey key{id, pipeline.signal};
      if (exporters_.contains(key)) continue;
      const ExporterConfig& settings = config.exporters.at(id);
      if (previous != nullptr) {
        for (const auto& [theirs, exporter] : previous->exporters_) {
          if (theirs.first != id || exporter.fingerprint != settings.fingerprint) continue;
          shared_[id] = previous->shared_.at(id);  // for a signal that is new too
          if (theirs == key) exporters_[key] = exporter;
        }
        if (exporters_.contains(key)) continue;
      }
      auto made = maker.Make(id, pipeline.signal, settings, shared_[id]);
      if (!made) return Wrap("exporter " + id, std::move(made.error()));
      exporters_[key] = {.exporter = std::move(*made),
                         .fingerprint = settings.fingerprint,
                         .durable = settings.queue.enabled && !settings.queue.storage.empty(),
                         .claims = ClaimsOf(settings)};
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
      gates.push_back(exporters_.at({id, signal}).exporter->gate());
    }
  }
  return gates;
}

Result<> Graph::BuildPipelines(const GatewayConfig& config) {
  auto watches = context_.clusters->OpenFor(config);
  if (!watches) return tl::unexpected(std::move(watches.error()));
  const auto keep = [&](std::unique_ptr<Consumer> joint) {
    joints_.push_back(std::move(joint));
    return joints_.back().get();
  };
  for (const PipelineConfig& pipeline : config.pipelines) {
    PipelineLedger& ledger = context_.book->Pipeline(pipeline.id);
    std::vector<Consumer*> ends;
    for (const std::string& id : pipeline.exporters) {
      ends.push_back(keep(std::make_unique<LaneEntry>(
          context_.book->Lane(pipeline.id, id), *exporters_.at({id, pipeline.signal}).exporter)));
    }
    Consumer* entry = ends.front();
    if (ends.size() > 1) entry = keep(std::make_unique<FanOut>(std::move(ends)));
    entry = keep(std::make_unique<PipelineExit>(ledger, *entry));
    for (int i = static_cast<int>(pipeline.processors.size()) - 1; i >= 0; --i) {
      const std::string& id = pipeline.processors[static_cast<std::size_t>(i)];
      ProcessorConfig settings = config.processors.at(id);
      // Also without metadata_keys of its own it joins nothing that is different further on.
      if (auto* batch = std::get_if<BatchOptions>(&settings)) {
        batch->metadata_keys = KeysBehind(config, pipeline, i - 1);
      }
      processors_.push_back(
          MakeProcessor(id, pipeline.signal, settings, *entry, *watches, *context_.registry));
      entry = processors_.back().get();
    }
    pipelines_[pipeline.id] = keep(std::make_unique<PipelineEntry>(ledger, *entry));
  }
  return {};
}

Result<> Graph::StartReceivers(const GatewayConfig& config) {
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
        joints_.push_back(std::make_unique<FanOut>(std::move(next)));
        entry = joints_.back().get();
      }
    }
    if (!used) continue;
    if (auto started = StartReceiver(id, receiver, entries); !started) return started;
  }
  return {};
}

Result<> Graph::StartReceiver(const std::string& id, const ReceiverConfig& receiver,
                              const Door::Pipelines& entries) {
  const auto door = [&](const char* transport) {
    return std::make_unique<Door>(id, transport, entries, context_.budget, *context_.registry);
  };
  const auto start = [&](const char* transport, auto options, auto function) -> Result<> {
    const std::string name = fmt::format("{}/{}", id, transport);
    const std::string what = fmt::format("receiver {} ({})", id, transport);
    auto socket = socket_set_.Get(name, options.endpoint, options.unix_socket);
    if (!socket) return Wrap(what, std::move(socket.error()));
    options.listening = std::move(*socket);
    options.auth = extensions_->server_auth(options.authenticator);
    if constexpr (requires { options.counters; }) {
      options.counters = ConnectionCounters(id, transport, *context_.registry);
    }
    auto started = function(options, door(transport));
    if (!started) return Wrap(what, std::move(started.error()));
    ports_[name] = (*started)->port();
    receivers_.push_back(std::move(*started));
    statuses_.push_back(context_.board->Add("receiver", id, transport));
    statuses_.back()->Set(ComponentState::kOk);
    return {};
  };
  Result<> ok;
  if (receiver.one_port()) {
    GrpcServerOptions grpc = *receiver.grpc;
    grpc.auth = extensions_->server_auth(grpc.authenticator);
    ok = start("http", *receiver.http,
               [&](const HttpServerOptions& http, std::unique_ptr<Door> http_door) {
                 return StartSharedReceiver(http, std::move(http_door), grpc, door("grpc"));
               });
    ports_[id + "/grpc"] = ports_[id + "/http"];
    return ok;
  }
  if (receiver.grpc) ok = start("grpc", *receiver.grpc, StartGrpcReceiver);
  if (ok && receiver.http) ok = start("http", *receiver.http, StartHttpReceiver);
  if (ok && receiver.zipkin && entries.by_signal[IndexOf(Signal::kTraces)] != nullptr) {
    ok = start("http", *receiver.zipkin, StartZipkinReceiver);
  }
  return ok;
}

// From the receivers' end on: what one passes on, the next may hold.
void Graph::DrainProcessors() {
  for (auto processor = processors_.rbegin(); processor != processors_.rend(); ++processor) {
    (*processor)->Drain();
  }
}

void Graph::StopAccepting() {
  for (auto& receiver : receivers_) receiver->StopAccepting();
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
  for (auto& [key, entry] : exporters_) {
    if (entry.exporter.use_count() > 1) continue;  // another graph goes on with it
    draining.push_back(std::async(std::launch::async, [exporter = entry.exporter.get(), deadline] {
      return exporter->Drain(deadline);
    }));
  }
  std::uint64_t left = 0;
  for (auto& drained : draining) left += drained.get();
  for (auto& stop : stopping) stop.wait();  // every request has its answer now
  receivers_.clear();
  statuses_.clear();
  while (!processors_.empty()) processors_.pop_back();  // the first ones of a pipeline come last
  exporters_.clear();
  return left;
}

}  // namespace wirespan::gateway
