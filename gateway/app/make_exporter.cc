#include "gateway/app/make_exporter.h"

#include <cstdlib>
#include <utility>

#include "common/http/proxy.h"
#include "common/telemetry/log.h"
#include "gateway/app/make_store.h"
#include "gateway/sink/debug_sender.h"
#include "gateway/sink/grpc_sender.h"
#include "gateway/sink/http_sender.h"
#include "gateway/sink/nop_sender.h"

namespace wirespan::gateway {

namespace {

Result<std::unique_ptr<Sender>> MakeSender(const std::string& id, Signal signal,
                                           const ExporterConfig& config,
                                           const Extensions& extensions,
                                           telemetry::Registry& registry, SharedSink& shared) {
  const auto completed = [&](auto options) {
    options.auth = extensions.client_auth(options.authenticator);
    options.proxy.environment =
        http::ProxyFromEnvironment([](const char* name) { return std::getenv(name); });
    return options;
  };
  const std::size_t connections = config.queue.enabled ? config.queue.num_consumers : 64;
  if (const auto* grpc = std::get_if<GrpcClientOptions>(&config.kind)) {
    return CreateGrpcSender(completed(*grpc));
  }
  if (const auto* http = std::get_if<HttpClientOptions>(&config.kind)) {
    return CreateHttpSender(completed(*http), signal, connections);
  }
  if (const auto* options = std::get_if<FileOptions>(&config.kind)) {
    if (!shared.file) {
      auto opened = FileWriter::Open(*options);
      if (!opened) return tl::unexpected(opened.error());
      shared.file = std::move(*opened);
    }
    return CreateFileSender(shared.file);
  }
  if (const auto* debug = std::get_if<DebugOptions>(&config.kind)) {
    return CreateDebugSender(*debug);
  }
  if (const auto* jaeger = std::get_if<JaegerOptions>(&config.kind)) {
    if (!jaeger->tls_written) {
      log::Warn("exporter {}: there is no tls block: what goes to {} is not encrypted", id,
                jaeger->client.endpoint);
    }
    JaegerOptions options = *jaeger;
    options.client = completed(options.client);
    return CreateJaegerSender(options);
  }
  if (const auto* zipkin = std::get_if<ZipkinOptions>(&config.kind)) {
    ZipkinOptions options = *zipkin;
    options.client = completed(options.client);
    return CreateZipkinSender(options, connections);
  }
  if (const auto* options = std::get_if<StoreExporterOptions>(&config.kind)) {
    return MakeStoreSender(id, signal, *options, extensions, registry, shared);
  }
  return CreateNopSender();
}

}  // namespace

Result<std::unique_ptr<queue::DurableQueue>> ExporterMaker::OpenQueue(
    const std::string& id, Signal signal, const QueueOptions& options) const {
  if (!options.enabled || options.storage.empty()) return nullptr;
  const StorageDirectory* storage = extensions_.storage(options.storage);
  if (storage == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, options.storage + " is not among service.extensions");
  }
  auto disk = queue::OpenFolder(storage->FolderOf(id, signal));
  if (!disk) return tl::unexpected(disk.error());
  auto opened = queue::DurableQueue::Open(std::move(*disk), {.sync = storage->fsync});
  if (!opened) return tl::unexpected(opened.error());
  if (const queue::Held held = (*opened)->held(); held.records > 0) {
    log::Info("exporter {}: {} items are in the queue on disk", id, held.items);
  }
  return opened;
}

Result<std::unique_ptr<QueuedExporter>> ExporterMaker::Make(const std::string& id, Signal signal,
                                                            const ExporterConfig& config,
                                                            SharedSink& shared) const {
  auto sender = MakeSender(id, signal, config, extensions_, registry_, shared);
  if (!sender) return tl::unexpected(sender.error());
  auto durable = OpenQueue(id, signal, config.queue);
  if (!durable) return Wrap("sending_queue.storage", std::move(durable.error()));
  QueuedExporter::FindLane find_lane;
  if (book_ != nullptr) {
    find_lane = [book = book_, id](const std::string& pipeline) {
      return pipeline.empty() ? nullptr : &book->Lane(pipeline, id);
    };
  }
  auto made =
      std::make_unique<QueuedExporter>(id, signal, config.queue, config.retry, std::move(*sender),
                                       registry_, std::move(*durable), std::move(find_lane));
  if (board_ != nullptr) {
    auto status = board_->Add("exporter", id, std::string(otlp::SignalName(signal)));
    status->Set(ComponentState::kOk);
    made->ReportTo(std::move(status));
  }
  return made;
}

}  // namespace wirespan::gateway
