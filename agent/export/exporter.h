#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/metric/snapshot.h"
#include "agent/span/span.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/telemetry/metrics.h"

namespace wirespan::exporting {

enum class OtlpProtocol : unsigned char { kGrpc, kHttpProtobuf };
enum class Compression : unsigned char { kNone, kGzip, kZstd };

// One signal's settings after file and OTEL_EXPORTER_OTLP_* are merged (options_env.h does that).
struct SignalOptions {
  bool enabled = true;
  OtlpProtocol protocol = OtlpProtocol::kHttpProtobuf;
  std::string endpoint{};  // full URL for HTTP; scheme://host:port for gRPC
  std::map<std::string, std::string> headers{};
  Compression compression = Compression::kNone;
  std::chrono::milliseconds timeout{10000};
  bool insecure = false;
  std::string ca_file{};
  std::string certificate_file{};
  std::string key_file{};
  // How often these files are looked at: new connections get what they hold then. 0: never.
  std::chrono::milliseconds reload_interval{0};
};

struct ExporterOptions {
  SignalOptions traces{};
  SignalOptions metrics{};
  std::size_t batch_spans = 1000;               // a batch is sent when it has so many,
  std::chrono::milliseconds batch_delay{1000};  // or when its oldest span is so old
  std::size_t max_request_bytes = 64u << 20;
  std::size_t max_response_bytes = 4u << 20;
  std::size_t queue_bytes = 32u << 20;  // encoded batches that wait; oldest dropped beyond
  int concurrent_requests = 2;
  std::chrono::milliseconds initial_backoff{1000};
  std::chrono::milliseconds max_backoff{30000};
  std::chrono::milliseconds max_elapsed{300000};  // then the batch is dropped and counted
  std::string proxy{};                            // for https endpoints: HTTPS_PROXY
  std::string http_proxy{};                       // for http endpoints: HTTP_PROXY
  std::string no_proxy{};
};

// Encodes spans as they come, batches, queues, sends with retries. Accept and ExportMetrics never
// block. Accept: pipeline thread only. ExportMetrics, Flush: any one thread.
class Exporter : public span::SpanSink {
 public:
  static Result<std::unique_ptr<Exporter>> Create(ExporterOptions options, const Clock& clock,
                                                  telemetry::Registry& registry);
  ~Exporter() override = default;

  // Sends a batch whose delay is over. Called by the pipeline thread at least every 100 ms or so.
  virtual void Tick() = 0;
  virtual void ExportMetrics(const metric::Snapshot& snapshot) = 0;
  // Sends what is held and waits until all is acknowledged or dropped, or the deadline passes; true
  // if nothing is left. What is left after that is counted as dropped{reason=shutdown} at
  // destruction.
  virtual bool Flush(std::chrono::milliseconds deadline) = 0;
  // Memory is short: of what waits, the oldest goes until `keep` (0..1) of the queue's bound is
  // left, and not more than `most_bytes` of each signal.
  virtual void Shed(double keep, std::size_t most_bytes) = 0;
  // Calls `read` while nothing is on its way from one place to another: the sums of docs/ledger.md
  // ("export") hold in there. `read` must not call back. Any thread.
  virtual void AtRest(const std::function<void()>& read) = 0;
};

}  // namespace wirespan::exporting
