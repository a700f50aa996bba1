#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/processor.h"

namespace wirespan::gateway {

// The Collector's keys and defaults.
struct BatchOptions {
  std::chrono::milliseconds timeout{200};  // 0: pass each batch on at once
  std::uint64_t send_batch_size = 8192;    // 0: no size ends the wait
  std::uint64_t send_batch_max_size = 0;   // 0: no upper bound
  // Batches are joined only if these keys of their metadata (lower case) are equal, and keep only
  // these. None: all are joined, and keep no metadata.
  std::vector<std::string> metadata_keys{};
  // So many combinations of their values wait at a time; a batch beyond it is passed on alone.
  std::uint64_t metadata_cardinality_limit = 1000;  // 0: no limit
};

// Joins batches only while nobody could send them: as soon as what comes next is ready (an exporter
// has a free slot), everything that waits goes on. `timeout` and `send_batch_size` are upper bounds
// of the waiting, never a reason for it. Unlike the Collector's, it does not answer for what it
// holds: the answer of the joined batch is the answer of each part.
class BatchProcessor : public Processor {
 public:
  BatchProcessor(std::string id, BatchOptions options, Consumer& next,
                 telemetry::Registry& registry);
  ~BatchProcessor() override;  // passes on what is held

  void Consume(Batch batch) override;
  void Drain() override;
  bool Ready() const override { return true; }  // holding is its work
  void Listen(std::weak_ptr<const SlotSignal::Listener>) override {}

 private:
  class Core;
  // Shared with calls of the exporters' signal that are under way while this goes away.
  const std::shared_ptr<Core> core_;
  const std::shared_ptr<const SlotSignal::Listener> listener_;
  std::jthread thread_;  // for the timeout
};

}  // namespace wirespan::gateway
