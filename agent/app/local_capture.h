#pragma once

#include <functional>
#include <memory>

#include "agent/app/config.h"
#include "agent/app/pipeline.h"
#include "agent/app/watch_hub.h"
#include "agent/kernel/live_source.h"
#include "common/base/wait.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Probes and pipeline for one command, without listeners and exporter: what `watch` and `explain`
// use where no agent runs. One thread.
class LocalCapture {
 public:
  static Result<std::unique_ptr<LocalCapture>> Create(const Config& config);

  WatchHub& hub() { return hub_; }
  Pipeline& pipeline() { return *pipeline_; }
  kernel::SourceStatus Status() { return source_->Status(); }

  // Until a signal comes, or `done` says so (asked some times a second).
  Result<> Run(const SignalWaiter& signals, const std::function<bool()>& done);

 private:
  LocalCapture() = default;

  telemetry::Registry registry_;
  WatchHub hub_{registry_};
  WatchTap tap_{hub_, nullptr};
  std::unique_ptr<kernel::LiveSource> source_;
  std::unique_ptr<Pipeline> pipeline_;
};

kernel::CaptureOptions CaptureOptionsOf(const Config& config);

}  // namespace wirespan::app
