#include "agent/app/watch_hub.h"

#include <utility>

namespace wirespan::app {

WatchHub::WatchHub(telemetry::Registry& registry)
    : lines_(registry.counter("wirespan_watch_lines_total", "Exchanges shown to watchers")),
      watching_(registry.gauge("wirespan_watchers", "Watchers that are attached")) {}

void WatchHub::Publish(const span::Span& span) {
  if (count_.load(std::memory_order_relaxed) == 0) return;
  const WatchLine line = ToWatchLine(span);
  const std::string json = ToJson(line);
  std::scoped_lock lock(mutex_);
  std::erase_if(watchers_, [&](Watcher& watcher) {
    if (!watcher.matcher.Matches(line)) return false;
    lines_.Add();
    return !watcher.deliver(line, json);
  });
  Counted();
}

void WatchHub::PruneLocked() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return watcher.gone && watcher.gone(); });
  Counted();
}

void WatchHub::Prune() {
  if (count_.load(std::memory_order_relaxed) == 0) return;
  std::scoped_lock lock(mutex_);
  PruneLocked();
}

bool WatchHub::full() {
  std::scoped_lock lock(mutex_);
  PruneLocked();
  return watchers_.size() >= kMaxWatchers;
}

bool WatchHub::Subscribe(WatchMatcher matcher, Deliver deliver, std::function<bool()> gone) {
  std::scoped_lock lock(mutex_);
  PruneLocked();
  if (watchers_.size() >= kMaxWatchers) return false;
  watchers_.push_back({std::move(matcher), std::move(deliver), std::move(gone)});
  Counted();
  return true;
}

void WatchHub::Counted() {
  count_.store(watchers_.size(), std::memory_order_relaxed);
  watching_.Set(static_cast<double>(watchers_.size()));
}

void WatchTap::Accept(const span::Span& span) {
  hub_.Publish(span);
  if (next_ != nullptr) next_->Accept(span);
}

}  // namespace wirespan::app
