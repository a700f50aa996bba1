#include "gateway/sink/queue_gate.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirespan::gateway {

using std::chrono::milliseconds;

namespace {
// How long the refused should stay away: as long as the queue has been full already, within reason.
constexpr milliseconds kShortest{1000};
constexpr milliseconds kLongest{30000};
// One request at a time tells whether an exporter is back; if nobody hears of it, another may.
constexpr milliseconds kProbe{2000};
}  // namespace

std::uint64_t QueueGate::UnitsOf(std::uint64_t items, std::uint64_t bytes) const {
  switch (options_.sizer) {
    case Sizer::kRequests:
      return 1;
    case Sizer::kItems:
      return std::max<std::uint64_t>(items, 1);
    case Sizer::kBytes:
      return std::max<std::uint64_t>(bytes, 1);
  }
  return 1;
}

std::uint64_t QueueGate::Used() const { return used_ + (stored_ ? stored_() : 0); }

bool QueueGate::HasRoom(std::uint64_t units) const {
  if (!options_.enabled || options_.drop_oldest) return true;
  const std::uint64_t used = Used();
  if (used == 0) return true;
  return used <= options_.queue_size && units <= options_.queue_size - used;
}

milliseconds QueueGate::FullFor() const {
  const auto age = std::chrono::duration_cast<milliseconds>(now_() - full_since_);
  return std::clamp(age, kShortest, kLongest);
}

Gate::Answer QueueGate::Reserve(std::uint64_t items, std::uint64_t bytes) {
  const std::uint64_t units = UnitsOf(items, bytes);
  std::lock_guard lock(mutex_);
  if (shut_) {
    return {.verdict = Verdict::kRefused,
            .refusal = Outcome::Retry(fmt::format("exporter {} is shutting down", exporter_))};
  }
  if (down_) {
    const auto now = now_();
    if (now < down_until_) {
      const auto left = std::chrono::ceil<milliseconds>(down_until_ - now);
      return {.verdict = Verdict::kRefused,
              .refusal = Outcome::Retry(
                  fmt::format("exporter {} can't reach its backend", exporter_), left)};
    }
    down_until_ = now + kProbe;
  }
  if (HasRoom(units)) {
    used_ += units;
    full_since_ = {};
    return {.units = units};
  }
  if (options_.block_on_overflow) return {.verdict = Verdict::kWait, .epoch = epoch_};
  if (full_since_ == Clock::time_point{}) full_since_ = now_();
  return {.verdict = Verdict::kRefused,
          .refusal = Outcome::Retry(
              fmt::format("the sending queue of exporter {} is full", exporter_), FullFor())};
}

bool QueueGate::TryOccupy(std::uint64_t units, milliseconds& retry_after) {
  std::lock_guard lock(mutex_);
  if (HasRoom(units)) {
    used_ += units;
    full_since_ = {};
    return true;
  }
  if (full_since_ == Clock::time_point{}) full_since_ = now_();
  retry_after = FullFor();
  return false;
}

void QueueGate::Occupy(std::uint64_t units) {
  std::lock_guard lock(mutex_);
  used_ += units;
}

void QueueGate::Release(std::uint64_t units) {
  std::unique_lock lock(mutex_);
  used_ -= std::min(used_, units);
  Wake(lock);
}

void QueueGate::Wake(std::unique_lock<std::mutex>& lock) {
  ++epoch_;
  if (waiting_.empty()) return;
  // All of them: those who wait may need room of different sizes, at different gates.
  const auto waiting = std::exchange(waiting_, {});
  lock.unlock();
  for (const auto& again : waiting) again();
}

void QueueGate::WhenRoom(std::uint64_t epoch, std::function<void()> again) {
  {
    std::lock_guard lock(mutex_);
    if (epoch == epoch_ && !shut_) {
      waiting_.push_back(std::move(again));
      return;
    }
  }
  again();
}

std::uint64_t QueueGate::used() const {
  std::lock_guard lock(mutex_);
  return Used();
}

bool QueueGate::over() const {
  std::lock_guard lock(mutex_);
  return options_.enabled && Used() > options_.queue_size;
}

void QueueGate::Down(Clock::time_point until) {
  std::lock_guard lock(mutex_);
  down_ = true;
  down_until_ = until;
}

void QueueGate::Up() {
  std::lock_guard lock(mutex_);
  down_ = false;
}

bool QueueGate::down() const {
  std::lock_guard lock(mutex_);
  return down_;
}

void QueueGate::Shut() {
  std::unique_lock lock(mutex_);
  shut_ = true;
  Wake(lock);
}

}  // namespace wirespan::gateway
