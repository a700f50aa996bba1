#include "agent/export/exporter.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "agent/export/destination.h"
#include "agent/export/encoder.h"
#include "agent/export/export_metrics.h"
#include "agent/export/transport.h"
#include "common/otlp/walk.h"

namespace wirespan::exporting {
namespace {

// Servers with gRPC's defaults take 4 MiB; whatever the configured maximum, a batch is closed
// before that.
constexpr std::size_t kBatchBytes = 3u << 20;

class OtlpExporter final : public Exporter {
 public:
  OtlpExporter(ExporterOptions options, const Clock& clock, telemetry::Registry& registry,
               std::unique_ptr<Transport> traces, std::unique_ptr<Transport> metrics)
      : options_(std::move(options)),
        batch_bytes_(std::min(options_.max_request_bytes, kBatchBytes)),
        clock_(clock),
        span_metrics_(otlp::Signal::kTraces, registry),
        point_metrics_(otlp::Signal::kMetrics, registry) {
    if (traces) {
      traces_ = std::make_unique<Destination>(otlp::Signal::kTraces, options_, clock,
                                              std::move(traces), span_metrics_);
    }
    if (metrics) {
      metrics_ = std::make_unique<Destination>(otlp::Signal::kMetrics, options_, clock,
                                               std::move(metrics), point_metrics_);
    }
  }

  ~OtlpExporter() override {
    const std::lock_guard lock(mutex_);
    span_metrics_.Drop("shutdown", encoder_.spans());
    span_metrics_.held_batch.Set(0);
  }

  void Accept(const span::Span& span) override {
    const std::lock_guard lock(mutex_);
    span_metrics_.accepted.Add();
    if (traces_ == nullptr) {
      span_metrics_.Drop("disabled", 1);
      return;
    }
    if (encoder_.spans() == 0) oldest_ns_ = clock_.monotonic_ns();
    encoder_.Add(span);
    if (encoder_.spans() >= options_.batch_spans || encoder_.bytes() >= batch_bytes_) {
      CloseBatch();
    } else {
      span_metrics_.held_batch.Set(static_cast<double>(encoder_.spans()));
    }
  }

  void Tick() override {
    const std::lock_guard lock(mutex_);
    if (encoder_.spans() == 0) return;
    const auto delay_ns = static_cast<std::uint64_t>(options_.batch_delay.count()) * 1'000'000;
    if (clock_.monotonic_ns() - oldest_ns_ >= delay_ns) CloseBatch();
  }

  void ExportMetrics(const metric::Snapshot& snapshot) override {
    EncodedMetrics encoded = EncodeMetrics(snapshot);
    if (encoded.points == 0) return;
    const std::lock_guard lock(mutex_);
    point_metrics_.accepted.Add(encoded.points);
    if (metrics_ == nullptr) {
      point_metrics_.Drop("disabled", encoded.points);
      return;
    }
    if (encoded.request.size() <= batch_bytes_) {
      metrics_->Enqueue({std::move(encoded.request), encoded.points});
      return;
    }
    for (otlp::Part& part :
         otlp::Split(otlp::Signal::kMetrics, encoded.request, encoded.points, batch_bytes_)) {
      metrics_->Enqueue({std::move(part.bytes), part.items});
    }
  }

  bool Flush(std::chrono::milliseconds deadline) override {
    const auto until = std::chrono::steady_clock::now() + deadline;
    {
      const std::lock_guard lock(mutex_);
      if (encoder_.spans() > 0) CloseBatch();
    }
    const auto left = [until] {
      const auto rest = until - std::chrono::steady_clock::now();
      return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(rest),
                      std::chrono::milliseconds(0));
    };
    const bool traces_empty = traces_ == nullptr || traces_->WaitUntilEmpty(left());
    const bool metrics_empty = metrics_ == nullptr || metrics_->WaitUntilEmpty(left());
    return traces_empty && metrics_empty;
  }

  void Shed(double keep, std::size_t most_bytes) override {
    const auto bytes = std::min(
        most_bytes, static_cast<std::size_t>(static_cast<double>(options_.queue_bytes) * keep));
    if (traces_ != nullptr) traces_->Shed(bytes);
    if (metrics_ != nullptr) metrics_->Shed(bytes);
  }

  void AtRest(const std::function<void()>& read) override {
    const std::lock_guard lock(mutex_);
    std::unique_lock<std::mutex> traces;
    std::unique_lock<std::mutex> metrics;
    if (traces_ != nullptr) traces = traces_->Rest();
    if (metrics_ != nullptr) metrics = metrics_->Rest();
    read();
  }

 private:
  void CloseBatch() {
    const std::size_t spans = encoder_.spans();
    traces_->Enqueue({encoder_.Take(), spans});
    span_metrics_.held_batch.Set(0);
  }

  const ExporterOptions options_;
  const std::size_t batch_bytes_;
  const Clock& clock_;
  SignalMetrics span_metrics_;
  SignalMetrics point_metrics_;
  std::mutex mutex_{};  // guards encoder_ and oldest_ns_ (Flush comes from another thread than
                        // Accept), and that what is accepted is counted where it went
  SpanEncoder encoder_{};
  std::uint64_t oldest_ns_ = 0;
  // Last: they end before what they count in.
  std::unique_ptr<Destination> traces_{};
  std::unique_ptr<Destination> metrics_{};
};

}  // namespace

Result<std::unique_ptr<Exporter>> Exporter::Create(ExporterOptions options, const Clock& clock,
                                                   telemetry::Registry& registry) {
  std::unique_ptr<Transport> traces;
  std::unique_ptr<Transport> metrics;
  if (options.traces.enabled) {
    auto created = CreateTransport(otlp::Signal::kTraces, options.traces, options, clock);
    if (!created) return Wrap("export traces", std::move(created.error()));
    traces = std::move(*created);
  }
  if (options.metrics.enabled) {
    auto created = CreateTransport(otlp::Signal::kMetrics, options.metrics, options, clock);
    if (!created) return Wrap("export metrics", std::move(created.error()));
    metrics = std::move(*created);
  }
  return std::make_unique<OtlpExporter>(std::move(options), clock, registry, std::move(traces),
                                        std::move(metrics));
}

}  // namespace wirespan::exporting
