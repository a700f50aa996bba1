#include "common/telemetry/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "common/base/strings.h"

namespace wirespan::telemetry {
namespace {

constexpr std::size_t kMaxSeries =
    10'000;  // a family; more share one series labelled overflow="true"

enum class Kind : unsigned char { kCounter, kGauge, kHistogram };

// Identity of a series: sorted by key, the last of equal keys kept, keys made legal.
Labels Canonical(Labels labels) {
  for (auto& [key, value] : labels) {
    for (char& c : key) {
      const bool legal =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!legal) c = '_';
    }
    if (key.empty() || (key[0] >= '0' && key[0] <= '9')) key.insert(0, "_");
  }
  std::map<std::string, std::string> sorted;
  for (auto& [key, value] : labels) sorted[std::move(key)] = std::move(value);
  return {sorted.begin(), sorted.end()};
}

std::string Escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (quotes && c == '"') {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
  return ToUtf8(out);
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// {a="1",b="2"}, with one more label at the end if `last` is not empty.
std::string LabelText(const Labels& labels, std::string_view last = {}) {
  if (labels.empty() && last.empty()) return "";
  std::string out = "{";
  for (const auto& [key, value] : labels) {
    if (out.size() > 1) out.push_back(',');
    out += key + "=\"" + Escape(value, true) + "\"";
  }
  if (!last.empty()) {
    if (out.size() > 1) out.push_back(',');
    out += last;
  }
  out.push_back('}');
  return out;
}

template <class T>
struct Family {
  std::map<Labels, std::unique_ptr<T>> series{};

  template <class... Args>
  T& Get(const Labels& given, Args&&... args) {
    Labels labels = Canonical(given);
    auto found = series.find(labels);
    if (found == series.end()) {
      if (series.size() >= kMaxSeries) {
        labels = {{"overflow", "true"}};
        found = series.find(labels);
        if (found != series.end()) return *found->second;
      }
      found =
          series.emplace(std::move(labels), std::make_unique<T>(std::forward<Args>(args)...)).first;
    }
    return *found->second;
  }
};

struct Head {
  std::string help{};
  Kind kind = Kind::kCounter;
};

struct Collector {
  std::string name{};
  std::string help{};
  bool monotonic = false;
  std::function<void(std::vector<Sample>&)> collect{};
};

// What one scrape prints: a family's lines by their labels. Equal series of several sources are
// added up (counters) or replaced (gauges), because a scraper refuses doubles.
struct Scraped {
  Head head{};
  std::map<std::string, std::string> lines{};  // of instruments: ready
  std::map<Labels, double> values{};           // of collectors
};

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  std::erase_if(bounds_, [](double bound) { return !std::isfinite(bound); });
  std::sort(bounds_.begin(), bounds_.end());
  bounds_.erase(std::unique(bounds_.begin(), bounds_.end()), bounds_.end());
  counts_ = std::vector<std::atomic<std::uint64_t>>(bounds_.size() + 1);
}

void Histogram::Observe(double value) {
  // NaN belongs to no bucket: it is counted in the last one and left out of the sum.
  const std::size_t bucket =
      std::isnan(value)
          ? bounds_.size()
          : static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                     bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  if (!std::isnan(value)) sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot out;
  out.bounds = bounds_;
  for (const auto& count : counts_) {
    out.counts.push_back(count.load(std::memory_order_relaxed));
    out.count += out.counts.back();
  }
  out.sum = sum_.load(std::memory_order_relaxed);
  return out;
}

struct Registry::Impl {
  mutable std::mutex mutex;  // guards all below; not held while a collector runs
  std::map<std::string, Head, std::less<>> heads;  // the first one wins
  std::map<std::string, Family<Counter>, std::less<>> counters;
  std::map<std::string, Family<Gauge>, std::less<>> gauges;
  std::map<std::string, Family<Histogram>, std::less<>> histograms;
  std::vector<std::shared_ptr<const Collector>> collectors;

  void Name(std::string_view name, std::string_view help, Kind kind) {
    heads.try_emplace(std::string(name), Head{.help = std::string(help), .kind = kind});
  }
  bool Is(const std::string& name, Kind kind) const {
    const auto found = heads.find(name);
    return found != heads.end() && found->second.kind == kind;
  }
  std::shared_ptr<const Collector> Add(std::string_view name, std::string_view help, bool monotonic,
                                       std::function<void(std::vector<Sample>&)> collect) {
    auto collector = std::make_shared<const Collector>(Collector{.name = std::string(name),
                                                                 .help = std::string(help),
                                                                 .monotonic = monotonic,
                                                                 .collect = std::move(collect)});
    const std::lock_guard lock(mutex);
    collectors.push_back(collector);
    return collector;
  }
  std::vector<std::shared_ptr<const Collector>> Collectors() const {
    const std::lock_guard lock(mutex);
    return collectors;
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Name(name, help, Kind::kCounter);
  return impl_->counters[std::string(name)].Get(labels);
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Name(name, help, Kind::kGauge);
  return impl_->gauges[std::string(name)].Get(labels);
}

Histogram& Registry::histogram(std::string_view name, std::string_view help,
                               std::vector<double> bounds, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Name(name, help, Kind::kHistogram);
  return impl_->histograms[std::string(name)].Get(labels, std::move(bounds));
}

void Registry::AddCollector(std::string_view name, std::string_view help, bool monotonic,
                            std::function<void(std::vector<Sample>&)> collect) {
  impl_->Add(name, help, monotonic, std::move(collect));
}

Registry::CollectorHandle Registry::AddScopedCollector(
    std::string_view name, std::string_view help, bool monotonic,
    std::function<void(std::vector<Sample>&)> collect) {
  struct Scope {
    std::mutex mutex{};  // guards alive, and is held while the values are asked for
    bool alive = true;
  };
  auto scope = std::make_shared<Scope>();
  auto collector = impl_->Add(name, help, monotonic,
                              [scope, collect = std::move(collect)](std::vector<Sample>& out) {
                                const std::lock_guard lock(scope->mutex);
                                if (scope->alive) collect(out);
                              });
  return CollectorHandle(scope.get(), [impl = impl_.get(), scope, collector](const void*) {
    {
      const std::lock_guard lock(scope->mutex);
      scope->alive = false;
    }
    const std::lock_guard lock(impl->mutex);
    std::erase(impl->collectors, collector);
  });
}

std::string Registry::Text() const {
  std::map<std::string, Scraped> families;
  for (const auto& collector : impl_->Collectors()) {
    std::vector<Sample> samples;
    collector->collect(samples);
    for (Sample& sample : samples) {
      if (sample.name.empty()) sample.name = collector->name;
      const Kind kind = collector->monotonic ? Kind::kCounter : Kind::kGauge;
      const auto [family, fresh] = families.try_emplace(sample.name);
      if (fresh) family->second.head = {.help = collector->help, .kind = kind};
      double& value = family->second.values[Canonical(std::move(sample.labels))];
      value = family->second.head.kind == Kind::kCounter ? value + sample.value : sample.value;
    }
  }

  const std::lock_guard lock(impl_->mutex);
  for (const auto& [name, family] : impl_->counters) {
    if (!impl_->Is(name, Kind::kCounter)) continue;
    Scraped& out = families[name];
    out.head = impl_->heads.find(name)->second;
    for (const auto& [labels, counter] : family.series) {
      std::uint64_t value = counter->value();
      if (const auto also = out.values.find(labels); also != out.values.end()) {
        value += also->second > 0 ? static_cast<std::uint64_t>(also->second) : 0;
        out.values.erase(also);
      }
      const std::string text = LabelText(labels);
      out.lines[text] = fmt::format("{}{} {}\n", name, text, value);
    }
  }
  for (const auto& [name, family] : impl_->gauges) {
    if (!impl_->Is(name, Kind::kGauge)) continue;
    Scraped& out = families[name];
    out.head = impl_->heads.find(name)->second;
    for (const auto& [labels, gauge] : family.series) {
      if (out.values.contains(labels)) continue;
      const std::string text = LabelText(labels);
      out.lines[text] = fmt::format("{}{} {}\n", name, text, Number(gauge->value()));
    }
  }
  for (const auto& [name, family] : impl_->histograms) {
    if (!impl_->Is(name, Kind::kHistogram)) continue;
    Scraped& out = families[name];
    out.head = impl_->heads.find(name)->second;
    out.values.clear();
    for (const auto& [labels, histogram] : family.series) {
      const Histogram::Snapshot snapshot = histogram->snapshot();
      const std::string text = LabelText(labels);
      std::string& lines = out.lines[text];
      std::uint64_t cumulative = 0;
      for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
        cumulative += snapshot.counts[i];
        const std::string bound = i < snapshot.bounds.size() ? Number(snapshot.bounds[i]) : "+Inf";
        lines += fmt::format("{}_bucket{} {}\n", name, LabelText(labels, "le=\"" + bound + "\""),
                             cumulative);
      }
      lines += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, text, Number(snapshot.sum), name,
                           text, snapshot.count);
    }
  }

  std::string text;
  for (auto& [name, family] : families) {
    for (const auto& [labels, value] : family.values) {
      const std::string label_text = LabelText(labels);
      family.lines[label_text] = fmt::format("{}{} {}\n", name, label_text, Number(value));
    }
    if (family.lines.empty()) continue;
    static constexpr std::string_view kKinds[] = {"counter", "gauge", "histogram"};
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, Escape(family.head.help, false), name,
                        kKinds[static_cast<std::size_t>(family.head.kind)]);
    for (const auto& [labels, line] : family.lines) text += line;
  }
  return text;
}

std::vector<Sample> Registry::Counters(std::string_view name) const {
  std::vector<Sample> out;
  const std::lock_guard lock(impl_->mutex);
  const auto family = impl_->counters.find(name);
  if (family == impl_->counters.end()) return out;
  for (const auto& [labels, counter] : family->second.series)
    out.push_back({std::string(name), labels, static_cast<double>(counter->value())});
  return out;
}

double Registry::Value(std::string_view name, const Labels& labels) const {
  const Labels wanted = Canonical(labels);
  double total = 0;
  for (const auto& collector : impl_->Collectors()) {
    std::vector<Sample> samples;
    collector->collect(samples);
    for (Sample& sample : samples) {
      const std::string_view its_name = sample.name.empty() ? collector->name : sample.name;
      if (its_name != name || Canonical(std::move(sample.labels)) != wanted) continue;
      total = collector->monotonic ? total + sample.value : sample.value;
    }
  }
  const std::lock_guard lock(impl_->mutex);
  const auto add = [&](const auto& families) {
    const auto family = families.find(name);
    if (family == families.end()) return;
    const auto series = family->second.series.find(wanted);
    if (series != family->second.series.end())
      total += static_cast<double>(series->second->value());
  };
  add(impl_->counters);
  add(impl_->gauges);
  return total;
}

}  // namespace wirespan::telemetry
