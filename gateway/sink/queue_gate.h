#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gateway/pipeline/admission.h"
#include "gateway/sink/exporter_options.h"

namespace wirespan::gateway {

// The gate before one exporter's queue: the queue's bound in the unit of its sizer, from the door
// on; and whether the exporter is known to be down. A request that is larger than the whole queue
// is let into an empty one, for it would never fit. Thread-safe.
class QueueGate : public Gate {
 public:
  using Clock = std::chrono::steady_clock;
  // `stored`: the units that the queue holds on disk, on top of those told to the gate.
  // `options.enabled` false: no bound.
  QueueGate(std::string exporter, const QueueOptions& options,
            std::function<std::uint64_t()> stored = {}, Clock::time_point (*now)() = Clock::now)
      : exporter_(std::move(exporter)), options_(options), stored_(std::move(stored)), now_(now) {}

  Answer Reserve(std::uint64_t items, std::uint64_t bytes) override;
  void Release(std::uint64_t units) override;
  void WhenRoom(std::uint64_t epoch, std::function<void()> again) override;

  // For the exporter behind it.
  std::uint64_t UnitsOf(std::uint64_t items, std::uint64_t bytes) const;
  void Occupy(std::uint64_t units);  // whatever the bound says: what was admitted is taken
  std::uint64_t used() const;
  bool over() const;  // more is used than the bound says
  // Reserves, or says how long the refused should stay away.
  bool TryOccupy(std::uint64_t units, std::chrono::milliseconds& retry_after);
  // Nobody is let in before `until`, then one at a time, until Up or Down again.
  void Down(Clock::time_point until);
  void Up();
  bool down() const;
  // Refuses everything from now on.
  void Shut();

 private:
  std::uint64_t Used() const;                     // mutex_ held
  bool HasRoom(std::uint64_t units) const;        // mutex_ held
  std::chrono::milliseconds FullFor() const;      // mutex_ held
  void Wake(std::unique_lock<std::mutex>& lock);  // unlocks

  const std::string exporter_;
  const QueueOptions options_;
  const std::function<std::uint64_t()> stored_;
  Clock::time_point (*const now_)();
  mutable std::mutex mutex_;  // guards all below
  std::uint64_t used_ = 0;
  std::uint64_t epoch_ = 0;  // counts what was given back
  std::vector<std::function<void()>> waiting_{};
  Clock::time_point full_since_{};  // zero: the last one had room
  Clock::time_point down_until_{};
  bool down_ = false;
  bool shut_ = false;
};

}  // namespace wirespan::gateway
