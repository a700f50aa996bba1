#include "gateway/app/make_store.h"

#include <utility>

#include "common/telemetry/log.h"
#include "gateway/ingest/http_settings.h"
#include "gateway/query/query_server.h"
#include "gateway/sink/store/coverage_table.h"
#include "gateway/sink/store/metrics_sender.h"
#include "gateway/sink/store/store_metrics.h"
#include "gateway/sink/store/store_sender.h"

namespace wirespan::gateway {

// The server first: it asks the others.
struct OpenStore {
  std::shared_ptr<store::TraceStore> store{};
  std::shared_ptr<store::CoverageTable> coverage{};
  store::MetricHandles metrics{};
  std::unique_ptr<query::QueryServer> server{};
};

namespace {

Result<std::shared_ptr<store::TraceStore>> OpenTraces(const std::string& id,
                                                      const store::StoreOptions& options) {
  auto disk = queue::OpenFolder(options.directory);
  if (!disk) return tl::unexpected(disk.error());
  auto opened = store::TraceStore::Open(std::move(*disk), options);
  if (!opened) return Wrap(options.directory, std::move(opened.error()));
  const store::StoreCounts counts = (*opened)->counts();
  log::Info("exporter {}: {} holds {} spans in {} MiB", id, options.directory, counts.spans,
            counts.disk_bytes >> 20);
  const store::DamageBook::Counts damage = (*opened)->damage();
  if (damage.log_records + damage.indexes + damage.pages + damage.files > 0) {
    log::Warn("exporter {}: {} has damage: {} log records, {} parts of indexes, {} pages, {} files",
              id, options.directory, damage.log_records, damage.indexes, damage.pages,
              damage.files);
  }
  return std::shared_ptr<store::TraceStore>(std::move(*opened));
}

Result<std::shared_ptr<const OpenStore>> Open(const std::string& id,
                                              const StoreExporterOptions& options,
                                              const Extensions& extensions,
                                              telemetry::Registry& registry) {
  auto server = ServerOptionsOf(*options.query);
  if (!server) return Wrap("query", std::move(server.error()));
  std::optional<http::ServerOptions> grpc;
  if (!options.query_grpc_endpoint.empty()) {
    HttpServerOptions other = *options.query;  // the same certificates and time bounds
    other.endpoint = options.query_grpc_endpoint;
    other.unix_socket = false;
    auto made = ServerOptionsOf(other);
    if (!made) return Wrap("query.grpc_endpoint", std::move(made.error()));
    grpc = std::move(*made);
  }
  auto traces = OpenTraces(id, options.store);
  if (!traces) return tl::unexpected(traces.error());
  auto open = std::make_shared<OpenStore>();
  open->store = std::move(*traces);
  open->coverage = std::make_shared<store::CoverageTable>();
  auto started =
      query::QueryServer::Start({.server = std::move(*server),
                                 .grpc = std::move(grpc),
                                 .auth = extensions.server_auth(options.query->authenticator)},
                                open->store, open->coverage);
  if (!started) return Wrap("query", std::move(started.error()));
  open->server = std::move(*started);
  open->metrics = store::RegisterStore(registry, id, open->store);
  log::Info("exporter {}: Jaeger's API and the page on port {}", id, open->server->port());
  return open;
}

}  // namespace

Result<std::unique_ptr<Sender>> MakeStoreSender(const std::string& id, Signal signal,
                                                const StoreExporterOptions& options,
                                                const Extensions& extensions,
                                                telemetry::Registry& registry, SharedSink& shared) {
  auto open = shared.store.lock();
  if (open == nullptr) {
    auto opened = Open(id, options, extensions, registry);
    if (!opened) return tl::unexpected(opened.error());
    open = std::move(*opened);
    shared.store = open;
  }
  if (signal == Signal::kMetrics) {
    return store::CreateMetricsSender(open->coverage, open->store, open);
  }
  return store::CreateStoreSender(open->store, open);
}

}  // namespace wirespan::gateway
