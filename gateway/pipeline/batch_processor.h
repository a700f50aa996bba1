#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/processor.h"

namespace wirespan::gateway {

// The Collector's keys and defaults.
struct BatchOptions {
  std::chrono::milliseconds timeout{200};  // 0: pass each batch on at once
  std::uint64_t send_batch_size = 8192;    // 0: only the timeout decides
  std::uint64_t send_batch_max_size = 0;   // 0: no upper bound
};

// Joins what arrives until there are send_batch_size items or the oldest is `timeout` old. Unlike
// the Collector's, it does not answer for what it holds: the answer of the joined batch is the
// answer of each part.
class BatchProcessor : public Processor {
 public:
  BatchProcessor(std::string id, BatchOptions options, Consumer& next,
                 telemetry::Registry& registry);
  ~BatchProcessor() override;  // passes on what is held

  void Consume(Batch batch) override;

  // Passes on what is held, and from now on everything at once: shutdown must not wait for a
  // timeout.
  void Drain() override;

 private:
  struct Held {
    std::vector<Batch> parts{};
    std::uint64_t items = 0;
    std::chrono::steady_clock::time_point oldest{};
  };

  void Run(std::stop_token stop);
  void Send(Held held);
  void SendSplit(Batch batch);

  const BatchOptions options_;
  telemetry::Counter& size_triggers_;
  telemetry::Counter& timeout_triggers_;
  telemetry::Histogram& sizes_;

  std::mutex mutex_;  // guards held_ and draining_
  std::condition_variable_any changed_;
  Held held_{};
  bool draining_ = false;
  std::jthread thread_;
};

}  // namespace wirespan::gateway
