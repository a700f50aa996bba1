#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/span/span.h"

// RED metrics of the observed traffic as values, ready to be written as OTLP or OpenMetrics.
namespace wirespan::metric {

struct Exemplar {
  double value = 0;
  std::uint64_t time_ns = 0;  // since 1970 UTC
  span::TraceId trace_id{};
  span::SpanId span_id{};
};

struct HistogramPoint {
  std::vector<span::Attribute> attributes{};
  std::uint64_t start_ns = 0;  // since 1970 UTC; when the series began
  std::uint64_t time_ns = 0;
  std::uint64_t count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;
  std::vector<std::uint64_t> bucket_counts{};  // one more than the metric's bounds, not cumulative
  std::vector<Exemplar> exemplars{};
};

struct HistogramMetric {
  std::string name{};  // "http.server.request.duration"
  std::string unit{};  // "s", "By"
  std::string description{};
  std::vector<double> bounds{};
  std::vector<HistogramPoint> points{};  // cumulative temporality
};

struct ResourceMetrics {
  std::shared_ptr<const span::Resource> resource{};
  std::vector<HistogramMetric> metrics{};
};

using Snapshot = std::vector<ResourceMetrics>;

}  // namespace wirespan::metric
