#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/app/watch_filter.h"
#include "agent/span/span.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Hands finished spans to those who watch. Costs one atomic load a span while nobody does.
class WatchHub {
 public:
  // Takes one line without a newline; false: the watcher is gone. Must not block: a watcher that
  // cannot keep up loses lines, not the agent its time. Called on the pipeline's thread.
  using Deliver = std::function<bool(const WatchLine& line, const std::string& json)>;

  explicit WatchHub(telemetry::Registry& registry);

  // Pipeline thread.
  void Publish(const span::Span& span);
  // Any thread. Watchers beyond kMaxWatchers are refused (false). `gone`: whether the watcher has
  // left; empty: it leaves by refusing a line.
  bool Subscribe(WatchMatcher matcher, Deliver deliver, std::function<bool()> gone = {});
  // Forgets watchers that left, also those that no exchange ever matched. Any thread.
  void Prune();
  bool full();

  static constexpr std::size_t kMaxWatchers = 16;

 private:
  struct Watcher {
    WatchMatcher matcher{};
    Deliver deliver{};
    std::function<bool()> gone{};
  };
  // With mutex_ held.
  void PruneLocked();
  void Counted();

  telemetry::Counter& lines_;
  telemetry::Gauge& watching_;
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;  // guards watchers_
  std::vector<Watcher> watchers_;
};

// A sink that shows each span to the hub and passes it on. `next` may be null: the spans end here.
class WatchTap final : public span::SpanSink {
 public:
  WatchTap(WatchHub& hub, span::SpanSink* next) : hub_(hub), next_(next) {}
  void Accept(const span::Span& span) override;

 private:
  WatchHub& hub_;
  span::SpanSink* next_;
};

}  // namespace wirespan::app
