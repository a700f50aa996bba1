#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/metric/snapshot.h"
#include "agent/span/metrics_sink.h"
#include "common/base/flat_map.h"
#include "common/telemetry/metrics.h"

namespace wirespan::metric {

struct RedOptions {
  bool body_sizes = false;  // http.{server,client}.{request,response}.body.size
  bool server_address_on_server =
      false;  // server.address and server.port on server metrics (the conventions' opt-in)
  std::size_t max_series_per_service = 2000;  // of one metric and service
  std::size_t max_series = 20000;             // of the node
  std::size_t max_services = 4096;
  std::chrono::nanoseconds idle_expiry = std::chrono::minutes(5);
};

// Rate, errors and duration of every exchange, by the HTTP conventions, and of every gRPC call by
// those of RPC (one or the other, never both). Beyond the bounds, what has no series of its own is
// counted in its service's series with otel.metric.overflow=true (beyond max_services: the node's),
// so sums stay true. Record, Exemplify and Tick: the pipeline's thread. TakeSnapshot: any.
class RedMetrics final : public span::ExchangeMetrics {
 public:
  RedMetrics(RedOptions options, telemetry::Registry& registry);

  span::MetricRef Record(const std::shared_ptr<const span::Resource>& resource,
                         const span::ExchangeFacts& facts, const protocol::Exchange& exchange,
                         std::uint64_t monotonic_now_ns, std::uint64_t utc_now_ns) override;
  void Exemplify(span::MetricRef ref, double value, std::uint64_t utc_ns,
                 const span::TraceId& trace_id, const span::SpanId& span_id) override;
  // Lets idle series go; cheap if called often.
  void Tick(std::uint64_t monotonic_now_ns);

  // All series as they are; cumulative since each series' start. No point's time is before that of
  // an exchange in it.
  Snapshot TakeSnapshot(std::uint64_t utc_now_ns) const;

 private:
  enum Measure : std::size_t { kDuration, kRequestBody, kResponseBody, kMeasures };
  enum Kind : std::uint8_t { kHttpClient, kHttpServer, kRpcClient, kRpcServer, kKinds };
  static Kind KindOf(const span::ExchangeFacts& facts) {
    return static_cast<Kind>((facts.rpc != nullptr ? kRpcClient : kHttpClient) +
                             (facts.server ? 1 : 0));
  }
  static bool IsRpc(Kind kind) { return kind >= kRpcClient; }
  // Calls have a duration only: the conventions dropped their sizes.
  std::size_t MeasuresOf(Kind kind) const { return IsRpc(kind) ? 1 : measures_; }
  struct Histogram {
    std::vector<std::uint64_t> counts{};
    std::uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
  };
  // One set of attributes of one resource and kind, with a histogram for each measure.
  struct Cell {
    std::shared_ptr<const span::Resource> resource{};
    std::vector<span::Attribute> attributes{};
    std::vector<Histogram> histograms{};  // by Measure; only kDuration unless body_sizes
    std::vector<Exemplar> exemplars{};    // of the duration; at most kMaxExemplars
    std::uint64_t start_utc_ns = 0;
    std::uint64_t last_ns = 0;  // monotonic
    std::uint32_t generation = 1;
    std::uint32_t next_exemplar = 0;
    std::uint32_t fresh_buckets = 0;   // bit per bucket that got an exemplar since
    std::uint64_t fresh_since_ns = 0;  // UTC
    Kind kind = kHttpServer;
    bool instrumented = false;  // as of its last exchange
    bool in_use = false;
    bool overflow = false;
    std::string key{};
  };
  struct Service {
    std::size_t cells[kKinds] = {};
    std::size_t all = 0;
  };

  std::uint32_t CellFor(const std::shared_ptr<const span::Resource>& resource,
                        const span::ExchangeFacts& facts, std::uint64_t utc_now_ns);
  std::uint32_t OverflowCell(const std::shared_ptr<const span::Resource>& resource, Kind kind,
                             std::uint64_t utc_now_ns);
  std::uint32_t NewCell(std::string key, Kind kind, std::uint64_t utc_now_ns);
  // In key_, until the next call.
  std::string_view MakeKey(const span::Resource* resource, const span::ExchangeFacts& facts);
  std::string_view MakeRpcKey(const span::Resource* resource, const span::ExchangeFacts& facts);
  std::vector<span::Attribute> AttributesOf(const span::ExchangeFacts& facts) const;
  void AddServer(const span::ExchangeFacts& facts, std::vector<span::Attribute>& list) const;
  static void Observe(Histogram& histogram, const std::vector<double>& bounds, double value);
  void Expire(std::uint32_t slot);

  RedOptions options_;
  std::size_t measures_;
  std::shared_ptr<const span::Resource>
      nobody_;  // stands for processes that nobody knows and for services beyond the bound
  telemetry::Counter& recorded_;
  telemetry::Counter& overflowed_;
  telemetry::Counter& expired_;
  telemetry::Gauge& series_;
  mutable std::mutex mutex_;  // guards all below
  std::deque<Cell> cells_;
  std::vector<std::uint32_t> free_;
  StringMap<std::uint32_t> by_key_;
  StringMap<Service> services_;
  std::size_t counted_series_ = 0;  // without overflow ones
  std::uint64_t swept_ns_ = 0;
  std::uint64_t recorded_utc_ns_ = 0;  // the last time given to Record
  std::string key_{};                  // reused
};

}  // namespace wirespan::metric
