#include "gateway/sink/store/red/red_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "common/base/hash.h"
#include "common/base/strings.h"
#include "gateway/sink/store/rates/series.h"
#include "gateway/sink/store/red/attributes.h"

namespace wirespan::gateway::store::red {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using rates::Durations;

constexpr std::size_t kMaxBuckets = 1024;   // of one histogram
constexpr std::size_t kMaxPeerBytes = 100;  // so that a series' name has room for what answered
constexpr double kNsPerS = 1e9;

std::optional<RedKind> KindOf(std::string_view metric) {
  if (metric == "http.client.request.duration") return RedKind::kHttpClient;
  if (metric == "http.server.request.duration") return RedKind::kHttpServer;
  if (metric == "rpc.client.call.duration") return RedKind::kRpcClient;
  if (metric == "rpc.server.call.duration") return RedKind::kRpcServer;
  return std::nullopt;
}

// Who the points are of.
struct Owner {
  std::string service = "unknown_service";
  std::string instance{};
};

Owner ReadOwner(std::string_view resource) {
  Owner owner;
  Reader reader(resource);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    ReadPair(field.bytes, [&](std::string_view key, const AnyValue& value) {
      if (key == "service.name" && !Text(value).empty()) owner.service = Text(value);
      if (key == "service.instance.id") owner.instance = Text(value);
    });
  }
  return owner;
}

// Fixed64 elements, packed or one by one; `visit` gets the bits.
template <class Visit>
bool ReadFixed(const Field& field, const Visit& visit) {
  if (field.type == WireType::kFixed64) {
    visit(field.value);
    return true;
  }
  if (field.type != WireType::kBytes || field.bytes.size() % 8 != 0) return false;
  for (std::size_t at = 0; at < field.bytes.size(); at += 8) {
    std::uint64_t bits = 0;
    for (int i = 7; i >= 0; --i) {
      bits = bits << 8 | static_cast<unsigned char>(field.bytes[at + static_cast<std::size_t>(i)]);
    }
    visit(bits);
  }
  return true;
}

// What histograms of both kinds have in common.
struct RawPoint {
  RedPoint point{};
  std::vector<double> bounds{};
  std::vector<std::uint64_t> counts{};
  std::uint64_t count = 0;
  bool well_formed = true;
};

// A stream's attributes may come in any order, so their hashes are added up.
void ReadPointAttribute(std::string_view pair, RedKind kind, RawPoint& raw,
                        std::string_view& method, std::string_view& route,
                        std::string_view& address, std::uint64_t& port, bool& overflow) {
  raw.point.stream += Hash64(pair);
  const bool rpc = kind >= RedKind::kRpcClient;
  ReadPair(pair, [&](std::string_view key, const AnyValue& value) {
    if (key == (rpc ? "rpc.method" : "http.request.method")) method = Text(value);
    if (key == "http.route") route = Text(value);
    if (key == "error.type") raw.point.error = !Text(value).empty();
    if (key == "server.address") address = Text(value);
    if (key == "server.port") port = Port(value);
    if (key == "otel.metric.overflow") overflow = value.AsBool();
  });
}

// HistogramDataPoint { start = 2, time = 3, count = 4, bucket_counts = 6, explicit_bounds = 7,
// attributes = 9 }, ExponentialHistogramDataPoint { attributes = 1, start = 2, time = 3, count = 4,
// scale = 6, zero_count = 7, positive = 8 { offset = 1, bucket_counts = 2 } }
class PointReader {
 public:
  PointReader(RedKind kind, bool exponential) : kind_(kind), exponential_(exponential) {}

  RawPoint Read(std::string_view message) {
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (field.Is(2, WireType::kFixed64)) raw_.point.start_ns = field.value;
      if (field.Is(3, WireType::kFixed64)) raw_.point.time_ns = field.value;
      if (field.Is(4, WireType::kFixed64)) raw_.count = field.value;
      if (field.Is(exponential_ ? 1 : 9, WireType::kBytes)) {
        ReadPointAttribute(field.bytes, kind_, raw_, method_, route_, address_, port_, overflow_);
      }
      exponential_ ? TakeExponential(field) : TakeExplicit(field);
    }
    if (!reader.ok()) raw_.well_formed = false;
    exponential_ ? FinishExponential() : FinishExplicit();
    Name();
    return std::move(raw_);
  }

 private:
  void TakeExplicit(const Field& field) {
    if (field.number == 6) {
      raw_.well_formed &= ReadFixed(field, [&](std::uint64_t bits) { Keep(bits); });
    }
    if (field.number == 7) {
      raw_.well_formed &= ReadFixed(field, [&](std::uint64_t bits) {
        if (raw_.bounds.size() < kMaxBuckets) raw_.bounds.push_back(std::bit_cast<double>(bits));
      });
    }
  }

  void Keep(std::uint64_t count) {
    if (raw_.counts.size() <= kMaxBuckets) raw_.counts.push_back(count);
  }

  void TakeExponential(const Field& field) {
    const auto zigzag = [](std::uint64_t value) {
      return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    };
    if (field.Is(6, WireType::kVarint)) scale_ = zigzag(field.value);
    if (field.Is(7, WireType::kFixed64)) zeros_ = field.value;
    if (!field.Is(8, WireType::kBytes)) return;
    Reader buckets(field.bytes);
    for (Field part; buckets.Next(part);) {
      if (part.Is(1, WireType::kVarint)) offset_ = zigzag(part.value);
      if (part.Is(2, WireType::kVarint)) Keep(part.value);
      if (!part.Is(2, WireType::kBytes)) continue;
      std::string_view packed = part.bytes;
      for (std::uint64_t count = 0; !packed.empty(); Keep(count)) {
        if (!otlp::ReadVarint(packed, count)) raw_.well_formed = false;
        if (!raw_.well_formed) break;
      }
    }
  }

  void FinishExplicit() {
    if (raw_.bounds.size() > kMaxBuckets - 1 || raw_.counts.size() != raw_.bounds.size() + 1 ||
        std::adjacent_find(raw_.bounds.begin(), raw_.bounds.end(), std::greater_equal<>()) !=
            raw_.bounds.end() ||
        !std::all_of(raw_.bounds.begin(), raw_.bounds.end(),
                     [](double bound) { return std::isfinite(bound) && bound >= 0; })) {
      raw_.well_formed = false;
      return;
    }
    for (std::size_t i = 0; i < raw_.counts.size(); ++i) {
      if (raw_.counts[i] > 0) {
        raw_.point.counts.emplace_back(static_cast<std::uint16_t>(i), raw_.counts[i]);
      }
    }
  }

  // Bucket i holds (2^(i/2^scale), 2^((i+1)/2^scale)] s: the bucket of ours around its middle gets
  // it.
  void FinishExponential() {
    if (scale_ < -10 || scale_ > 20 || raw_.counts.size() > kMaxBuckets ||
        std::abs(offset_) > (std::int64_t{1} << 31)) {
      raw_.well_formed = false;
      return;
    }
    std::map<std::uint16_t, std::uint64_t> sums;
    if (zeros_ > 0) sums[0] = zeros_;
    for (std::size_t i = 0; i < raw_.counts.size(); ++i) {
      if (raw_.counts[i] == 0) continue;
      const double middle = static_cast<double>(offset_ + static_cast<std::int64_t>(i)) + 0.5;
      const double ns = std::exp2(std::ldexp(middle, -static_cast<int>(scale_))) * kNsPerS;
      sums[Durations::BucketOf(ns >= 0x1p63 ? ~std::uint64_t{0}
                                            : static_cast<std::uint64_t>(ns))] += raw_.counts[i];
    }
    raw_.point.counts.assign(sums.begin(), sums.end());
  }

  void Name() {
    RedPoint& point = raw_.point;
    std::uint64_t sum = 0;
    for (const auto& [bucket, count] : point.counts) {
      if (__builtin_add_overflow(sum, count, &sum)) raw_.well_formed = false;
    }
    if (sum != raw_.count || point.start_ns > point.time_ns || point.time_ns == 0) {
      raw_.well_formed = false;
    }
    point.operation = overflow_ ? rates::kOther : OperationText(kind_, method_, route_);
    if (!Serves(kind_) && !overflow_) point.peer = PeerText(address_, port_);
  }

  const RedKind kind_;
  const bool exponential_;
  RawPoint raw_{};
  std::string_view method_{};
  std::string_view route_{};
  std::string_view address_{};
  std::uint64_t port_ = 0;
  bool overflow_ = false;
  std::int64_t scale_ = 0;
  std::int64_t offset_ = 0;
  std::uint64_t zeros_ = 0;
};

// Histogram or ExponentialHistogram { data_points = 1, aggregation_temporality = 2 }
void ReadData(const Owner& owner, RedKind kind, bool exponential, std::string_view data,
              bool instrumented, RedReport& report) {
  constexpr std::uint64_t kDelta = 1;
  constexpr std::uint64_t kCumulative = 2;
  std::uint64_t temporality = 0;
  std::vector<RawPoint> points;
  Reader reader(data);
  for (Field field; reader.Next(field);) {
    if (field.Is(2, WireType::kVarint)) temporality = field.value;
    if (!field.Is(1, WireType::kBytes)) continue;
    ++report.points;
    if (instrumented) {
      ++report.instrumented;
    } else {
      points.push_back(PointReader(kind, exponential).Read(field.bytes));
    }
  }
  for (RawPoint& raw : points) {
    if (!raw.well_formed || (temporality != kDelta && temporality != kCumulative)) {
      ++report.malformed;
      continue;
    }
    raw.point.delta = temporality == kDelta;
    if (report.families.empty() || report.families.back().kind != kind ||
        report.families.back().instance != owner.instance ||
        report.families.back().service != owner.service ||
        report.families.back().exponential != exponential ||
        report.families.back().bounds != raw.bounds) {
      report.families.push_back({.service = owner.service,
                                 .instance = owner.instance,
                                 .kind = kind,
                                 .bounds = std::move(raw.bounds),
                                 .exponential = exponential});
    }
    report.families.back().points.push_back(std::move(raw.point));
  }
}

// Metric { name = 1, histogram = 9, exponential_histogram = 10, metadata = 12 }
void ReadMetric(const Owner& owner, std::string_view metric, RedReport& report) {
  std::string_view name;
  bool instrumented = false;
  Reader first(metric);
  for (Field field; first.Next(field);) {
    if (field.Is(1, WireType::kBytes)) name = field.bytes;
    if (!field.Is(12, WireType::kBytes)) continue;
    ReadPair(field.bytes, [&](std::string_view key, const AnyValue& value) {
      if (key == "wirespan.instrumented") instrumented = value.AsBool();
    });
  }
  const auto kind = KindOf(name);
  if (!kind) return;
  Reader second(metric);
  for (Field field; second.Next(field);) {
    if (field.Is(9, WireType::kBytes) || field.Is(10, WireType::kBytes)) {
      ReadData(owner, *kind, field.number == 10, field.bytes, instrumented, report);
    }
  }
}

// ScopeMetrics { scope = 1 { name = 1 }, metrics = 2 }
bool IsOfAgent(std::string_view scope_metrics) {
  Reader reader(scope_metrics);
  for (Field field; reader.Next(field);) {
    if (!field.Is(1, WireType::kBytes)) continue;
    Reader scope(field.bytes);
    for (Field part; scope.Next(part);) {
      if (part.Is(1, WireType::kBytes)) return part.bytes == kAgentScope;
    }
  }
  return false;
}

}  // namespace

std::string PeerText(std::string_view address, std::uint64_t port) {
  address = TruncateUtf8(address, kMaxPeerBytes - 8);
  if (address.empty() || port == 0 || port == 80 || port == 443) return std::string(address);
  const bool bare_ipv6 = address.find(':') != std::string_view::npos && address.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

std::string OperationText(RedKind kind, std::string_view method, std::string_view route) {
  const bool other = method.empty() || method == "_OTHER";
  if (kind >= RedKind::kRpcClient) return std::string(other ? "grpc" : method);
  const std::string_view name = other ? "HTTP" : method;
  if (!Serves(kind) || route.empty()) return std::string(name);
  return fmt::format("{} {}", name, route);
}

RedReport ReadRedReport(std::string_view request) {
  RedReport report;
  Reader reader(request);
  for (Field resource; reader.Next(resource);) {
    if (!resource.Is(1, WireType::kBytes)) continue;
    Owner owner;
    Reader head(resource.bytes);
    for (Field part; head.Next(part);) {
      if (part.Is(1, WireType::kBytes)) owner = ReadOwner(part.bytes);
    }
    Reader parts(resource.bytes);
    for (Field part; parts.Next(part);) {
      if (!part.Is(2, WireType::kBytes) || !IsOfAgent(part.bytes)) continue;
      Reader scope(part.bytes);
      for (Field metric; scope.Next(metric);) {
        if (metric.Is(2, WireType::kBytes)) ReadMetric(owner, metric.bytes, report);
      }
    }
  }
  return report;
}

}  // namespace wirespan::gateway::store::red
