#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/pipeline/memory_governor.h"

namespace wirespan::gateway {

// The process's memory ceiling by this configuration: the least of the memory_limiters that
// pipelines name; without one, 80 % of what the cgroup (or the machine) has.
std::uint64_t MemoryCeilingBytes(const GatewayConfig& config);

// Looks at the process's memory 20 times a second and sets the budget accordingly.
class MemoryWatch {
 public:
  // Looks once before it returns: the budget is right from the start. `most_bytes` bounds the
  // budget in any case.
  MemoryWatch(std::shared_ptr<MemoryBudget> budget, std::uint64_t ceiling_bytes,
              std::size_t most_bytes, telemetry::Registry& registry);

  void SetCeiling(std::uint64_t bytes);

 private:
  void Look();

  telemetry::Gauge& ceiling_gauge_;
  telemetry::Counter& trims_;
  std::mutex mutex_;  // guards governor_ and trimmed_
  MemoryGovernor governor_;
  std::chrono::steady_clock::time_point trimmed_{};
  std::jthread thread_;
};

}  // namespace wirespan::gateway
