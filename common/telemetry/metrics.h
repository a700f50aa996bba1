#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Metrics of our own programs (wirespan_*, otelcol_*), in Prometheus' text format. A counter costs
// one relaxed atomic add; look it up once and keep the reference. Thread-safe.
namespace wirespan::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Fixed upper bounds, given at creation; +Inf is implied.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void Observe(double value);
  struct Snapshot {
    std::vector<double> bounds{};
    std::vector<std::uint64_t> counts{};  // one more than bounds, not cumulative
    double sum = 0;
    std::uint64_t count = 0;
  };
  Snapshot snapshot() const;

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

struct Sample {
  std::string name{};
  Labels labels{};
  double value = 0;
};

class Registry {
 public:
  Registry();
  ~Registry();

  // The same name and labels give the same object, alive as long as the registry. `name` has no
  // unit checks: follow Prometheus' rules (_total, _bytes, _seconds). A name keeps its first help
  // text and kind.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                       const Labels& labels = {});

  // Values that live elsewhere: called at each scrape, on the scraping thread. `monotonic`: a
  // counter, else a gauge.
  void AddCollector(std::string_view name, std::string_view help, bool monotonic,
                    std::function<void(std::vector<Sample>&)> collect);
  // The same for values that end before the registry does: asked no more once the handle is gone,
  // and the handle's destructor waits for a scrape that is asking. It must not be held by
  // `collect`.
  using CollectorHandle = std::shared_ptr<const void>;
  [[nodiscard]] CollectorHandle AddScopedCollector(
      std::string_view name, std::string_view help, bool monotonic,
      std::function<void(std::vector<Sample>&)> collect);

  // Prometheus text format 0.0.4, families sorted by name.
  std::string Text() const;
  // The series of a counter that is kept here (no collector's).
  std::vector<Sample> Counters(std::string_view name) const;
  // For tests and the ledger: value of a counter or gauge, collectors included; 0 if absent.
  double Value(std::string_view name, const Labels& labels = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wirespan::telemetry
