#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/span/span.h"

// RED metrics of the observed traffic as values, and the agent's own, ready to be written as OTLP
// or OpenMetrics.
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
  // Its process reports its own spans, so these are not what ours are counted by.
  bool instrumented = false;
};

struct NumberPoint {
  std::vector<span::Attribute> attributes{};
  std::int64_t value = 0;
};

// What the agent says of itself.
struct NumberMetric {
  std::string name{};
  std::string unit{};
  std::string description{};
  bool counter = false;        // cumulative and monotonic; else a gauge
  std::uint64_t start_ns = 0;  // since 1970 UTC; of a counter
  std::uint64_t time_ns = 0;
  std::vector<NumberPoint> points{};
};

struct ResourceMetrics {
  std::shared_ptr<const span::Resource> resource{};
  std::vector<HistogramMetric> metrics{};
  std::vector<NumberMetric> numbers{};
};

using Snapshot = std::vector<ResourceMetrics>;

}  // namespace wirespan::metric
