#include "agent/metric/red_metrics.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "agent/span/attribute_names.h"
#include "common/base/copy.h"
#include "common/base/strings.h"

namespace wirespan::metric {
namespace {

namespace names = span::names;
using span::ExchangeFacts;
using span::Resource;

constexpr std::size_t kMaxExemplars = 4;
constexpr std::uint64_t kExemplarInterval = 1'000'000'000;
constexpr std::uint64_t kSweepInterval = 10'000'000'000;

const std::vector<double>& DurationBounds() {
  static const std::vector<double> kBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                              0.5,   0.75, 1,     2.5,  5,     7.5, 10};
  return kBounds;
}

const std::vector<double>& SizeBounds() {
  static const std::vector<double> kBounds = {0,       100,       1000,       10'000,
                                              100'000, 1'000'000, 10'000'000, 100'000'000};
  return kBounds;
}

struct Description {
  const char* name;
  const char* unit;
  const char* text;
};
// By kind and measure.
constexpr Description kDescriptions[4][3] = {
    {{"http.client.request.duration", "s", "Duration of HTTP client requests."},
     {"http.client.request.body.size", "By", "Size of HTTP client request bodies."},
     {"http.client.response.body.size", "By", "Size of HTTP client response bodies."}},
    {{"http.server.request.duration", "s", "Duration of HTTP server requests."},
     {"http.server.request.body.size", "By", "Size of HTTP server request bodies."},
     {"http.server.response.body.size", "By", "Size of HTTP server response bodies."}},
    {{"rpc.client.call.duration", "s", "Duration of outgoing remote procedure calls."}, {}, {}},
    {{"rpc.server.call.duration", "s", "Duration of incoming remote procedure calls."}, {}, {}},
};

// Puts a key together in memory that is known to suffice.
class KeyWriter {
 public:
  KeyWriter(std::string& key, std::size_t room) : key_(key) {
    if (key_.size() < room) key_.resize(room);
    at_ = key_.data();
  }
  template <class T>
  void Raw(T value) {
    std::memcpy(at_, &value, sizeof(T));
    at_ += sizeof(T);
  }
  // By its address; null: nobody's.
  void Owner(const void* resource) { Raw(reinterpret_cast<std::uintptr_t>(resource)); }
  void Text(std::string_view text) {
    Raw(static_cast<std::uint32_t>(text.size()));
    at_ = CopyText(at_, text);
  }
  std::string_view view() const {
    return {key_.data(), static_cast<std::size_t>(at_ - key_.data())};
  }

 private:
  std::string& key_;
  char* at_;
};
constexpr std::size_t kKeyRoom = 64;  // for all that is not text

}  // namespace

RedMetrics::RedMetrics(RedOptions options, telemetry::Registry& registry)
    : options_(options),
      measures_(options.body_sizes ? std::size_t{kMeasures} : 1),
      recorded_(
          registry.counter("wirespan_metric_exchanges_total", "Exchanges counted in RED metrics")),
      overflowed_(registry.counter("wirespan_metric_overflow_total",
                                   "Exchanges counted in an otel.metric.overflow series")),
      expired_(
          registry.counter("wirespan_metric_expired_total", "Series that expired after idling")),
      series_(registry.gauge("wirespan_metric_series", "Series kept, without overflow ones")) {
  auto nobody = std::make_shared<Resource>();
  nobody->service_name = "unknown_service";
  nobody->attributes.emplace_back("service.name", "unknown_service");
  nobody_ = std::move(nobody);
}

std::string_view RedMetrics::MakeKey(const Resource* resource, const ExchangeFacts& facts) {
  if (facts.rpc != nullptr) return MakeRpcKey(resource, facts);
  KeyWriter key(key_, kKeyRoom + facts.method.size() + facts.scheme.size() +
                          facts.error_type.size() + facts.protocol_version.size() +
                          facts.route.size() + facts.server_address.size());
  key.Owner(resource);
  key.Raw(KindOf(facts));
  key.Raw(static_cast<std::uint16_t>(facts.status_code));
  key.Text(facts.method);
  key.Text(facts.scheme);
  key.Text(facts.error_type);
  key.Text(facts.protocol_version);
  if (facts.server) key.Text(facts.route);
  if (!facts.server || options_.server_address_on_server) {
    key.Raw(facts.server_port);
    key.Text(facts.server_address);
  }
  return key.view();
}

std::string_view RedMetrics::MakeRpcKey(const Resource* resource, const ExchangeFacts& facts) {
  KeyWriter key(key_, kKeyRoom + facts.rpc_method.size() + facts.rpc_status.size() +
                          facts.error_type.size() + facts.server_address.size());
  key.Owner(resource);
  key.Raw(KindOf(facts));
  key.Text(facts.rpc_method);
  key.Text(facts.rpc_status);
  key.Text(facts.error_type);
  if (!facts.server || options_.server_address_on_server) {
    key.Raw(facts.server_port);
    key.Text(facts.server_address);
  }
  return key.view();
}

std::vector<span::Attribute> RedMetrics::AttributesOf(const ExchangeFacts& facts) const {
  std::vector<span::Attribute> list;
  const auto text = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) list.push_back({key, ToUtf8(value)});
  };
  if (facts.rpc != nullptr) {
    text(names::kRpcSystemName, "grpc");
    text(names::kRpcMethod, facts.rpc_method);
    text(names::kRpcResponseStatusCode, facts.rpc_status);
    text(names::kErrorType, facts.error_type);
    AddServer(facts, list);
    return list;
  }
  text(names::kHttpRequestMethod, facts.method);
  text(names::kUrlScheme, facts.scheme);
  if (facts.status_code != 0)
    list.push_back({names::kHttpResponseStatusCode, std::int64_t{facts.status_code}});
  text(names::kErrorType, facts.error_type);
  text(names::kNetworkProtocolVersion, facts.protocol_version);
  if (facts.server) text(names::kHttpRoute, facts.route);
  AddServer(facts, list);
  return list;
}

void RedMetrics::AddServer(const ExchangeFacts& facts, std::vector<span::Attribute>& list) const {
  if (facts.server && !options_.server_address_on_server) return;
  if (!facts.server_address.empty())
    list.push_back({names::kServerAddress, ToUtf8(facts.server_address)});
  if (facts.server_port != 0) list.push_back({names::kServerPort, std::int64_t{facts.server_port}});
}

std::uint32_t RedMetrics::NewCell(std::string key, Kind kind, std::uint64_t utc_now_ns) {
  std::uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    slot = static_cast<std::uint32_t>(cells_.size());
    cells_.emplace_back();
  }
  Cell& cell = cells_[slot];
  cell.in_use = true;
  cell.start_utc_ns = utc_now_ns;
  cell.kind = kind;
  cell.histograms.resize(MeasuresOf(kind));
  for (std::size_t i = 0; i < cell.histograms.size(); ++i) {
    cell.histograms[i].counts.assign((i == kDuration ? DurationBounds() : SizeBounds()).size() + 1,
                                     0);
  }
  cell.key = key;
  by_key_.emplace(std::move(key), slot);
  return slot;
}

std::uint32_t RedMetrics::CellFor(const std::shared_ptr<const Resource>& resource,
                                  const ExchangeFacts& facts, std::uint64_t utc_now_ns) {
  const std::string_view key = MakeKey(resource.get(), facts);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return found->second;
  const Kind kind = KindOf(facts);
  const std::size_t measures = MeasuresOf(kind);
  const bool full = counted_series_ + measures > options_.max_series;
  auto service = services_.find(std::string_view(resource->service_name));
  const bool new_service = service == services_.end();
  if (full || (new_service && services_.size() >= options_.max_services) ||
      (!new_service && service->second.cells[kind] >= options_.max_series_per_service)) {
    return OverflowCell(resource, kind, utc_now_ns);
  }
  if (new_service) service = services_.try_emplace(resource->service_name).first;
  ++service->second.cells[kind];
  ++service->second.all;
  counted_series_ += measures;
  series_.Set(static_cast<double>(counted_series_));
  const std::uint32_t slot = NewCell(std::string(key), kind, utc_now_ns);
  Cell& cell = cells_[slot];
  cell.resource = resource;
  cell.overflow = false;
  cell.attributes = AttributesOf(facts);
  return slot;
}

std::uint32_t RedMetrics::OverflowCell(const std::shared_ptr<const Resource>& resource, Kind kind,
                                       std::uint64_t utc_now_ns) {
  overflowed_.Add();
  // A service that never got a series of its own shares the node's: services are as unbounded as
  // anything.
  const bool known = services_.contains(std::string_view(resource->service_name));
  KeyWriter writer(key_, kKeyRoom + resource->service_name.size());
  writer.Owner(nullptr);
  writer.Raw(kind);
  writer.Text(known ? std::string_view(resource->service_name) : std::string_view());
  const std::string_view key = writer.view();
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return found->second;
  const std::uint32_t slot = NewCell(std::string(key), kind, utc_now_ns);
  Cell& cell = cells_[slot];
  cell.resource = known ? resource : nobody_;
  cell.overflow = true;
  cell.attributes.push_back({names::kOtelMetricOverflow, true});
  return slot;
}

void RedMetrics::Observe(Histogram& histogram, const std::vector<double>& bounds, double value) {
  // Upper bounds are inclusive.
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  ++histogram.counts[static_cast<std::size_t>(bucket)];
  histogram.min = histogram.count == 0 ? value : std::min(histogram.min, value);
  histogram.max = histogram.count == 0 ? value : std::max(histogram.max, value);
  ++histogram.count;
  histogram.sum += value;
}

span::MetricRef RedMetrics::Record(const std::shared_ptr<const Resource>& resource,
                                   const ExchangeFacts& facts, const protocol::Exchange& exchange,
                                   std::uint64_t monotonic_now_ns, std::uint64_t utc_now_ns) {
  recorded_.Add();
  const std::lock_guard lock(mutex_);
  const std::uint32_t slot = CellFor(resource != nullptr ? resource : nobody_, facts, utc_now_ns);
  Cell& cell = cells_[slot];
  cell.last_ns = monotonic_now_ns;
  cell.instrumented = facts.instrumented;
  recorded_utc_ns_ = utc_now_ns;
  Observe(cell.histograms[kDuration], DurationBounds(),
          static_cast<double>(facts.duration_ns) * 1e-9);
  if (cell.histograms.size() > 1) {
    if (exchange.request_body_bytes) {
      Observe(cell.histograms[kRequestBody], SizeBounds(),
              static_cast<double>(*exchange.request_body_bytes));
    }
    if (exchange.response_body_bytes) {
      Observe(cell.histograms[kResponseBody], SizeBounds(),
              static_cast<double>(*exchange.response_body_bytes));
    }
  }
  return {slot, cell.generation};
}

void RedMetrics::Exemplify(span::MetricRef ref, double value, std::uint64_t utc_ns,
                           const span::TraceId& trace_id, const span::SpanId& span_id) {
  if (ref.generation == 0) return;
  const std::lock_guard lock(mutex_);
  if (ref.slot >= cells_.size() || cells_[ref.slot].generation != ref.generation) return;
  Cell& cell = cells_[ref.slot];
  const auto bucket_of = [](double seconds) {
    const auto& bounds = DurationBounds();
    return std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  };
  // One a bucket and second is enough, and the rare slow ones are not pushed out by the many.
  const auto bucket = bucket_of(value);
  if (utc_ns - cell.fresh_since_ns > kExemplarInterval) {
    cell.fresh_since_ns = utc_ns;
    cell.fresh_buckets = 0;
  }
  const std::uint32_t bit = 1u << bucket;
  if ((cell.fresh_buckets & bit) != 0) return;
  cell.fresh_buckets |= bit;
  const Exemplar exemplar{value, utc_ns, trace_id, span_id};
  for (Exemplar& kept : cell.exemplars) {
    if (bucket_of(kept.value) == bucket) {
      kept = exemplar;
      return;
    }
  }
  if (cell.exemplars.size() < kMaxExemplars) {
    cell.exemplars.push_back(exemplar);
  } else {
    cell.exemplars[cell.next_exemplar++ % kMaxExemplars] = exemplar;
  }
}

void RedMetrics::Expire(std::uint32_t slot) {
  Cell& cell = cells_[slot];
  by_key_.erase(std::string_view(cell.key));
  if (!cell.overflow) {
    counted_series_ -= cell.histograms.size();
    const auto service = services_.find(std::string_view(cell.resource->service_name));
    if (service != services_.end()) {
      --service->second.cells[cell.kind];
      if (--service->second.all == 0) services_.erase(service);
    }
  }
  expired_.Add(cell.histograms.size());
  const std::uint32_t generation = cell.generation + 1;
  cell = Cell{};
  cell.generation = generation == 0 ? 1 : generation;
  free_.push_back(slot);
}

void RedMetrics::Tick(std::uint64_t monotonic_now_ns) {
  const std::lock_guard lock(mutex_);
  if (monotonic_now_ns - swept_ns_ < kSweepInterval) return;
  swept_ns_ = monotonic_now_ns;
  const auto idle = static_cast<std::uint64_t>(options_.idle_expiry.count());
  for (std::uint32_t slot = 0; slot < cells_.size(); ++slot) {
    const Cell& cell = cells_[slot];
    if (cell.in_use && monotonic_now_ns > cell.last_ns && monotonic_now_ns - cell.last_ns >= idle)
      Expire(slot);
  }
  series_.Set(static_cast<double>(counted_series_));
}

Snapshot RedMetrics::TakeSnapshot(std::uint64_t utc_now_ns) const {
  const std::lock_guard lock(mutex_);
  // Something may have been recorded since the caller looked at the clock.
  constexpr std::uint64_t kAtMost = 1'000'000'000;  // more is a step of the clock
  if (recorded_utc_ns_ > utc_now_ns && recorded_utc_ns_ - utc_now_ns < kAtMost) {
    utc_now_ns = recorded_utc_ns_;
  }
  Snapshot snapshot;
  // Resource -> its place, and in it the place of each metric (0: not yet there).
  FlatMap<const Resource*, std::size_t> places;
  std::vector<std::array<std::size_t, std::size_t{kKinds} * std::size_t{kMeasures}>> metric_places;
  for (const Cell& cell : cells_) {
    if (!cell.in_use) continue;
    const auto [place, inserted] = places.try_emplace(cell.resource.get(), snapshot.size());
    if (inserted) {
      snapshot.push_back({cell.resource, {}});
      metric_places.emplace_back();
    }
    ResourceMetrics& resource = snapshot[place->second];
    for (std::size_t measure = 0; measure < cell.histograms.size(); ++measure) {
      const Histogram& histogram = cell.histograms[measure];
      if (histogram.count == 0) continue;
      std::size_t& metric_place =
          metric_places[place->second][std::size_t{cell.kind} * std::size_t{kMeasures} + measure];
      if (metric_place == 0) {
        const Description& description = kDescriptions[cell.kind][measure];
        resource.metrics.push_back({description.name,
                                    description.unit,
                                    description.text,
                                    measure == kDuration ? DurationBounds() : SizeBounds(),
                                    {}});
        metric_place = resource.metrics.size();
      }
      HistogramPoint point{cell.attributes, cell.start_utc_ns, utc_now_ns,
                           histogram.count, histogram.sum,     histogram.min,
                           histogram.max,   histogram.counts,  {}};
      if (measure == kDuration) point.exemplars = cell.exemplars;
      resource.metrics[metric_place - 1].instrumented |= cell.instrumented;
      resource.metrics[metric_place - 1].points.push_back(std::move(point));
    }
  }
  return snapshot;
}

}  // namespace wirespan::metric
