#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/processor.h"

namespace wirespan::gateway {

// The Collector's keys. The limit is the process's; several limiters: the least of theirs.
// spike_limit and check_interval have no work to do here: bytes are counted before they are taken
// in, and memory is looked at 20 times a second.
struct MemoryLimiterOptions {
  std::uint64_t limit_bytes = 0;  // of limit_mib; 0: limit_percentage counts
  unsigned limit_percentage = 0;  // of what the cgroup or the machine has
};

// Resident memory that the options allow; `available` is the cgroup's or the machine's.
std::uint64_t CeilingBytes(const MemoryLimiterOptions& options, std::uint64_t available_bytes);

// `memory_limiter` in a pipeline: counts what the door let in. Refusing is the door's.
class MemoryLimiter : public Processor {
 public:
  MemoryLimiter(std::string id, Signal signal, Consumer& next, telemetry::Registry& registry);
  void Consume(Batch batch) override;

 private:
  telemetry::Counter& accepted_;
};

}  // namespace wirespan::gateway
