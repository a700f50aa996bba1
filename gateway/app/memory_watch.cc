#include "gateway/app/memory_watch.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <optional>
#include <utility>

#include "common/base/memory_limit.h"
#include "common/telemetry/log.h"

namespace wirespan::gateway {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kInterval{50};
// Giving memory back takes the allocator's locks, for milliseconds: often only where it has to be.
constexpr std::chrono::milliseconds kTrimInterval{1000};
constexpr std::chrono::milliseconds kUrgentTrimInterval{200};
constexpr unsigned kDefaultPercentage = 80;
constexpr std::uint64_t kUnknownMachine = 1u << 30;

}  // namespace

std::uint64_t MemoryCeilingBytes(const GatewayConfig& config) {
  const std::uint64_t available = AvailableMemoryBytes().value_or(kUnknownMachine);
  std::optional<std::uint64_t> least;
  for (const PipelineConfig& pipeline : config.pipelines) {
    for (const std::string& id : pipeline.processors) {
      const auto* limiter = std::get_if<MemoryLimiterOptions>(&config.processors.at(id));
      if (limiter == nullptr) continue;
      const std::uint64_t ceiling = CeilingBytes(*limiter, available);
      least = std::min(least.value_or(ceiling), ceiling);
    }
  }
  return least.value_or(
      CeilingBytes({.limit_bytes = 0, .limit_percentage = kDefaultPercentage}, available));
}

MemoryWatch::MemoryWatch(std::shared_ptr<MemoryBudget> budget, std::uint64_t ceiling_bytes,
                         std::size_t most_bytes, telemetry::Registry& registry)
    : ceiling_gauge_(registry.gauge("wirespan_gateway_memory_ceiling_bytes",
                                    "Resident memory that the gateway stays under")),
      trims_(registry.counter("wirespan_gateway_memory_trims_total",
                              "Times that freed memory was given back to the kernel")),
      governor_(std::move(budget), ceiling_bytes, most_bytes) {
  ceiling_gauge_.Set(static_cast<double>(ceiling_bytes));
  const std::uint64_t resident = ResidentBytes();
  if (resident > governor_.target_bytes()) {
    log::Warn(
        "memory: the limit of {} MiB is less than the gateway needs by itself ({} MiB): "
        "every request is refused",
        ceiling_bytes >> 20, resident >> 20);
  }
  Look();
  thread_ = std::jthread([this](std::stop_token stop) {
    std::mutex asleep;
    std::condition_variable_any ends;
    std::unique_lock lock(asleep);
    while (!ends.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); })) Look();
  });
}

void MemoryWatch::SetCeiling(std::uint64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    governor_.SetCeiling(bytes);
  }
  ceiling_gauge_.Set(static_cast<double>(bytes));
  Look();
}

void MemoryWatch::Look() {
  bool trim = false;
  {
    std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    const std::uint64_t resident = ResidentBytes();
    const bool urgent = resident > governor_.target_bytes();
    trim = governor_.Look(resident) &&
           now - trimmed_ >= (urgent ? kUrgentTrimInterval : kTrimInterval);
    if (trim) trimmed_ = now;
  }
  if (!trim) return;
  trims_.Add();
  ::malloc_trim(0);
}

}  // namespace wirespan::gateway
