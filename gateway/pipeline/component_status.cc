#include "gateway/pipeline/component_status.h"

#include <utility>

namespace wirespan::gateway {

std::string_view StateName(ComponentState state) {
  switch (state) {
    case ComponentState::kStarting:
      return "starting";
    case ComponentState::kOk:
      return "ok";
    case ComponentState::kDegraded:
      return "degraded";
    case ComponentState::kRefusing:
      return "refusing";
    case ComponentState::kFailed:
      return "failed";
    case ComponentState::kStopped:
      return "stopped";
  }
  return "unknown";
}

ComponentStatus::ComponentStatus(const Clock& clock, std::string kind, std::string id,
                                 std::string part)
    : clock_(clock),
      data_{.kind = std::move(kind),
            .id = std::move(id),
            .part = std::move(part),
            .since_ns = clock.realtime_ns(),
            .changed_ns = clock.monotonic_ns()} {}

void ComponentStatus::Set(ComponentState state, std::string_view message) {
  // A failing component may bring a new sentence; a good one has none, so nothing is to be done.
  if (state == ComponentState::kOk && state_.load(std::memory_order_relaxed) == state) return;
  const std::lock_guard lock(mutex_);
  data_.message = message;
  if (data_.state == state) return;
  data_.state = state;
  data_.since_ns = clock_.realtime_ns();
  data_.changed_ns = clock_.monotonic_ns();
  state_.store(state, std::memory_order_relaxed);
}

ComponentStatus::Snapshot ComponentStatus::snapshot() const {
  const std::lock_guard lock(mutex_);
  return data_;
}

std::shared_ptr<ComponentStatus> StatusBoard::Add(std::string kind, std::string id,
                                                  std::string part) {
  std::shared_ptr<ComponentStatus> status(
      new ComponentStatus(clock_, std::move(kind), std::move(id), std::move(part)));
  const std::lock_guard lock(mutex_);
  entries_.push_back(status);
  return status;
}

std::vector<ComponentStatus::Snapshot> StatusBoard::Components() const {
  std::vector<ComponentStatus::Snapshot> out;
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (const auto status = entry->lock()) {
      out.push_back(status->snapshot());
      ++entry;
    } else {
      entry = entries_.erase(entry);
    }
  }
  return out;
}

}  // namespace wirespan::gateway
