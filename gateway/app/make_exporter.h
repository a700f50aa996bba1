#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/shared_sink.h"
#include "gateway/extension/extensions.h"
#include "gateway/pipeline/component_status.h"
#include "gateway/pipeline/pipeline_ledger.h"
#include "gateway/sink/queued_exporter.h"

namespace wirespan::gateway {

// Exporters from their settings: the way out of the process, and the queue before it.
class ExporterMaker {
 public:
  // Registry, book and board outlive what is made; without a book it keeps no ledger, without a
  // board it reports to nobody.
  ExporterMaker(const Extensions& extensions, telemetry::Registry& registry,
                LedgerBook* book = nullptr, StatusBoard* board = nullptr)
      : extensions_(extensions), registry_(registry), book_(book), board_(board) {}

  // `shared`: by the exporter's signals.
  Result<std::unique_ptr<QueuedExporter>> Make(const std::string& id, Signal signal,
                                               const ExporterConfig& config,
                                               SharedSink& shared) const;

 private:
  Result<std::unique_ptr<queue::DurableQueue>> OpenQueue(const std::string& id, Signal signal,
                                                         const QueueOptions& options) const;

  const Extensions& extensions_;
  telemetry::Registry& registry_;
  LedgerBook* book_;
  StatusBoard* board_;
};

}  // namespace wirespan::gateway
