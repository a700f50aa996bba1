#include "gateway/pipeline/memory_limiter.h"

#include <fmt/format.h>

#include <utility>

namespace wirespan::gateway {

std::uint64_t CeilingBytes(const MemoryLimiterOptions& options, std::uint64_t available_bytes) {
  if (options.limit_bytes > 0) return options.limit_bytes;
  return available_bytes / 100 * options.limit_percentage;
}

MemoryLimiter::MemoryLimiter(std::string id, Signal signal, Consumer& next,
                             telemetry::Registry& registry)
    : Processor(next),
      accepted_(registry.counter(
          fmt::format("otelcol_processor_memory_limiter_accepted_{}_total", ItemsName(signal)),
          "Items that passed the memory limiter", {{"processor", std::move(id)}})) {}

void MemoryLimiter::Consume(Batch batch) {
  accepted_.Add(batch.items);
  next_.Consume(std::move(batch));
}

}  // namespace wirespan::gateway
