#include "gateway/app/make_store.h"

#include <utility>

#include "common/telemetry/log.h"
#include "gateway/ingest/http_settings.h"
#include "gateway/query/query_server.h"
#include "gateway/sink/store/store_metrics.h"
#include "gateway/sink/store/store_sender.h"

namespace wirespan::gateway {

namespace {

// What lives beside the sender.
struct Companion {
  std::unique_ptr<query::QueryServer> server{};
  store::MetricHandles metrics{};
};

Result<std::shared_ptr<store::TraceStore>> OpenStore(const std::string& id,
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

}  // namespace

Result<std::unique_ptr<Sender>> MakeStoreSender(const std::string& id,
                                                const StoreExporterOptions& options,
                                                const Extensions& extensions,
                                                telemetry::Registry& registry) {
  auto server = ServerOptionsOf(*options.query);
  if (!server) return Wrap("query", std::move(server.error()));
  auto opened = OpenStore(id, options.store);
  if (!opened) return tl::unexpected(opened.error());
  auto companion = std::make_shared<Companion>();
  auto started = query::QueryServer::Start(
      {.server = std::move(*server), .auth = extensions.server_auth(options.query->authenticator)},
      *opened);
  if (!started) return Wrap("query", std::move(started.error()));
  companion->server = std::move(*started);
  companion->metrics = store::RegisterStore(registry, id, *opened);
  log::Info("exporter {}: Jaeger's API on port {}", id, companion->server->port());
  return store::CreateStoreSender(std::move(*opened), std::move(companion));
}

}  // namespace wirespan::gateway
