#include "agent/app/local_capture.h"

#include "agent/process/own.h"

namespace wirespan::app {

kernel::CaptureOptions CaptureOptionsOf(const Config& config) {
  kernel::CaptureOptions options;
  options.backend = config.capture.backend;
  options.ring_bytes = config.capture.ring_bytes;
  options.head_bytes = config.capture.head_bytes;
  options.http2_head_bytes = config.capture.http2_head_bytes;
  options.include_ports = config.capture.include_ports;
  options.exclude_ports = config.capture.exclude_ports;
  options.splice_at_once = config.capture.splice_at_once;
  options.keep_statistics = config.capture.statistics;
  // In a container the kernel knows this process by another pid than its own.
  if (!config.node.root.empty()) {
    if (auto own = process::ReadOwnProcess(config.node.root)) options.exclude_pids = {own->pid};
  }
  return options;
}

Result<std::unique_ptr<LocalCapture>> LocalCapture::Create(const Config& config) {
  std::unique_ptr<LocalCapture> local(new LocalCapture);
  auto source = kernel::LiveSource::Create(CaptureOptionsOf(config));
  if (!source) return Wrap("capture", std::move(source.error()));
  local->source_ = std::move(*source);
  auto pipeline =
      Pipeline::Create(config, local->source_.get(), local->tap_, SystemClock(), local->registry_);
  if (!pipeline) return tl::unexpected(std::move(pipeline.error()));
  local->pipeline_ = std::move(*pipeline);
  return local;
}

Result<> LocalCapture::Run(const SignalWaiter& signals, const std::function<bool()>& done) {
  while (!done() && !signals.WaitFor(std::chrono::milliseconds(0))) {
    auto polled = source_->Poll(*pipeline_, std::chrono::milliseconds(50));
    if (!polled) return Wrap("capture", std::move(polled.error()));
    pipeline_->Tick();
  }
  return {};
}

}  // namespace wirespan::app
