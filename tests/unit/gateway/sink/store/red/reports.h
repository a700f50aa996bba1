#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/otlp/wire.h"
#include "tests/unit/gateway/sink/store/spans.h"

// RED metrics by hand, as an agent's requests.
namespace wirespan::gateway::store::testing {

inline const std::vector<double>& AgentBounds() {
  static const std::vector<double> kBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                              0.5,   0.75, 1,     2.5,  5,     7.5, 10};
  return kBounds;
}

struct TestPoint {
  std::vector<std::pair<std::string, std::string>> texts = {{"http.request.method", "GET"}};
  std::uint64_t port = 0;  // server.port
  bool overflow = false;
  std::uint64_t start_ns = kStartNs;
  std::uint64_t time_ns = kStartNs + 10'000'000'000;
  std::vector<std::uint64_t> counts{};  // of AgentBounds
};

struct TestReport {
  std::string service = "shop";
  std::string instance = "one";
  std::string scope = "wirespan-agent";
  std::string metric = "http.server.request.duration";
  std::uint64_t temporality = 2;  // cumulative
  bool instrumented = false;
  std::vector<TestPoint> points{};
};

inline std::string FixedBytes(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

inline std::string PointBytes(const TestPoint& point) {
  otlp::Writer out;
  for (const auto& [key, text] : point.texts) out.Bytes(9, TextAttribute(key, text));
  const auto attribute = [&](std::string_view key, std::uint32_t field, std::uint64_t number) {
    otlp::Writer value;
    value.Varint(field, number);
    otlp::Writer pair;
    pair.Bytes(1, key);
    pair.Bytes(2, value.view());
    out.Bytes(9, pair.view());
  };
  if (point.port != 0) attribute("server.port", 3, point.port);
  if (point.overflow) attribute("otel.metric.overflow", 2, 1);
  out.Fixed64(2, point.start_ns);
  out.Fixed64(3, point.time_ns);
  std::uint64_t count = 0;
  std::string counts;
  std::string bounds;
  for (std::size_t i = 0; i <= AgentBounds().size(); ++i) {
    const std::uint64_t one = i < point.counts.size() ? point.counts[i] : 0;
    count += one;
    counts += FixedBytes(one);
  }
  for (const double bound : AgentBounds())
    bounds += FixedBytes(std::bit_cast<std::uint64_t>(bound));
  out.Fixed64(4, count);
  out.Bytes(6, counts);
  out.Bytes(7, bounds);
  return out.Take();
}

// A metric of one resource around data points that are there already. `data`: 9 Histogram, 10
// ExponentialHistogram.
inline std::string ReportAround(const TestReport& report, const std::vector<std::string>& points,
                                std::uint32_t data) {
  otlp::Writer histogram;
  for (const std::string& point : points) histogram.Bytes(1, point);
  histogram.Varint(2, report.temporality);
  otlp::Writer metric;
  metric.Bytes(1, report.metric);
  metric.Bytes(3, "s");
  metric.Bytes(data, histogram.view());
  if (report.instrumented) {
    otlp::Writer value;
    value.Varint(2, 1);
    otlp::Writer pair;
    pair.Bytes(1, "wirespan.instrumented");
    pair.Bytes(2, value.view());
    metric.Bytes(12, pair.view());
  }
  otlp::Writer scope;
  scope.Bytes(1, report.scope);
  otlp::Writer metrics;
  metrics.Bytes(1, scope.view());
  metrics.Bytes(2, metric.view());
  otlp::Writer resource;
  resource.Bytes(1, TextAttribute("service.name", report.service));
  if (!report.instance.empty()) {
    resource.Bytes(1, TextAttribute("service.instance.id", report.instance));
  }
  otlp::Writer group;
  group.Bytes(1, resource.view());
  group.Bytes(2, metrics.view());
  otlp::Writer out;
  out.Bytes(1, group.view());
  return out.Take();
}

inline std::string ReportBytes(const TestReport& report) {
  std::vector<std::string> points;
  for (const TestPoint& point : report.points) points.push_back(PointBytes(point));
  return ReportAround(report, points, 9);
}

}  // namespace wirespan::gateway::store::testing
