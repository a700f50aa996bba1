#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/batch.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// One exporter for one signal: a bounded queue, num_consumers requests under way, retries with
// backoff, and counters.
//
// When it answers for a batch: with the queue on, as soon as the batch is queued (the Collector's
// way; what is queued is lost if the process dies), or after delivery if wait_for_result is set;
// with the queue off, after delivery.
class QueuedExporter : public Consumer {
 public:
  QueuedExporter(std::string id, Signal signal, QueueOptions queue, RetryOptions retry,
                 std::unique_ptr<Sender> sender, telemetry::Registry& registry);
  ~QueuedExporter() override;  // Drain(0) first

  void Consume(Batch batch) override;
  // A slot is free and nothing waits for one.
  bool Ready() const override;
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    slots_.Add(std::move(listener));
  }

  // Tries at once what waits for a retry, and waits until nothing is held or the deadline has
  // passed. Then refuses what comes, drops what is left (counted, logged) and returns the number of
  // its items.
  std::uint64_t Drain(std::chrono::steady_clock::time_point deadline);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    Batch batch{};
    std::uint64_t size = 0;  // in the queue's unit
    Time first_try{};
    std::chrono::milliseconds interval{0};
  };
  using EntryPtr = std::shared_ptr<Entry>;

  std::uint64_t SizeOf(const Batch& batch) const;
  void Dispatch();
  void Try(const EntryPtr& entry);
  void OnDone(const EntryPtr& entry, Outcome outcome);
  void Finish(const EntryPtr& entry, Outcome outcome);
  void Run(std::stop_token stop);
  void UpdateGauges();  // mutex_ held

  const std::string id_;
  const QueueOptions queue_;
  const RetryOptions retry_;

  telemetry::Counter& sent_;
  telemetry::Counter& send_failed_;
  telemetry::Counter& enqueue_failed_;
  telemetry::Counter& rejected_;
  telemetry::Counter& dropped_at_shutdown_;
  telemetry::Counter& retries_;
  telemetry::Gauge& queue_size_;
  telemetry::Gauge& in_flight_gauge_;

  SlotSignal slots_;
  mutable std::mutex mutex_;  // guards everything down to thread_
  std::condition_variable_any changed_;
  std::deque<EntryPtr> waiting_{};
  std::deque<EntryPtr> overflow_{};  // block_on_overflow: not queued yet, not answered
  std::multimap<Time, EntryPtr> retries_due_{};
  std::uint64_t used_ = 0;     // of queue_.queue_size; under way included
  std::size_t in_flight_ = 0;  // under way or waiting for a retry
  std::uint64_t held_items_ = 0;
  std::size_t trying_ = 0;  // threads inside sender_->Send
  bool draining_ = false;
  bool closed_ = false;
  std::minstd_rand random_;

  std::unique_ptr<Sender> sender_;
  std::jthread thread_;
};

}  // namespace wirespan::gateway
