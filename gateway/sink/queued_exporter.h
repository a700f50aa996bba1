#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/queue/durable_queue.h"
#include "common/telemetry/metrics.h"
#include "gateway/pipeline/batch.h"
#include "gateway/pipeline/component_status.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/queue_gate.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// One exporter for one signal: a bounded queue, num_consumers requests under way, retries with
// backoff, and counters. It answers for a batch (docs/gateway.md):
//
//   kDelivered  when the next hop has it, or has refused it for good (counted)
//   kStored     when it is on disk
//   kInMemory   at once: what is queued is lost if the process dies. Only where the file says so
class QueuedExporter : public Consumer {
 public:
  enum class Promise : std::uint8_t { kDelivered, kStored, kInMemory };

  // The books of a pipeline's way through this exporter, for what comes back from disk.
  using FindLane = std::function<ExporterLane*(const std::string& pipeline)>;

  // `durable`: the queue on disk of queue.storage; what it holds from an earlier life is sent too.
  QueuedExporter(std::string id, Signal signal, QueueOptions queue, RetryOptions retry,
                 std::unique_ptr<Sender> sender, telemetry::Registry& registry,
                 std::unique_ptr<queue::DurableQueue> durable = nullptr, FindLane find_lane = {});
  ~QueuedExporter() override;  // Drain(0) first

  // A slot is free and nothing waits for one; on disk nobody waits.
  bool Ready() const override;
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    slots_.Add(std::move(listener));
  }

  // Tells how it is doing. Before the first batch.
  void ReportTo(std::shared_ptr<ComponentStatus> status) { status_ = std::move(status); }

  // For the door: whoever passed through it is taken.
  const std::shared_ptr<QueueGate>& gate() const { return gate_; }

  void Consume(Batch batch) override;

  // Tries at once what waits for a retry, and waits until nothing is held or the deadline has
  // passed; what is on disk stays there instead. Then refuses what comes, drops what is left
  // (counted, logged) and returns the number of its items.
  std::uint64_t Drain(std::chrono::steady_clock::time_point deadline);

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;
  // A record on disk, and the requests made of it that are not done with.
  struct OnDisk {
    std::uint64_t seq = 0;
    std::uint32_t items = 0;
    std::uint64_t bytes = 0;
    std::size_t parts = 1;  // guarded by mutex_
  };
  struct Entry {
    Batch batch{};
    std::vector<std::pair<ExporterLane*, std::uint64_t>> lanes{};  // items of each
    std::uint64_t units = 0;  // of the gate; 0 for what is on disk
    std::vector<std::shared_ptr<OnDisk>> on_disk{};
    Time arrived{};
    Time first_try{};
    Milliseconds interval{0};
  };
  using EntryPtr = std::shared_ptr<Entry>;
  enum class End : std::uint8_t {
    kSent,
    kFailed,
    kTooLarge,
    kExpired,
    kShutdown,
    kReturned,
    kWithdrawn
  };

  bool TakeRoom(Entry& entry);
  void Store(EntryPtr entry);
  void Dispatch();
  EntryPtr TakeNext(std::unique_lock<std::mutex>& lock);
  bool Fetch(std::unique_lock<std::mutex>& lock);
  bool RipeToSend() const;
  void JoinMore(Entry& entry, std::unique_lock<std::mutex>& lock);
  void CutToSize(EntryPtr& entry);
  bool IsTooLarge(const Bytes& bytes) const;
  bool Try(const EntryPtr& entry);
  void OnDone(const EntryPtr& entry, Outcome outcome);
  bool RetryLater(const EntryPtr& entry, Outcome& outcome);
  bool NoteFailure(Milliseconds delay);
  void Finish(const EntryPtr& entry, Outcome outcome, End end);
  void Count(const Entry& entry, const Outcome& outcome, End end);
  static void Book(const Entry& entry, const Outcome& outcome, End end);
  void ReturnWaiting(const Outcome& outcome);
  void DropOldestOverBound();
  void CountDamage();
  void Run(std::stop_token stop);
  void ShowGauges();
  void UpdateGauges();  // mutex_ held
  std::uint64_t SizeInBatch(const Batch& batch) const;
  telemetry::Counter& Dropped(std::string_view reason);

  const std::string id_;
  const Signal signal_;
  const QueueOptions queue_;
  const RetryOptions retry_;
  const Promise promise_;
  telemetry::Registry& registry_;
  const std::unique_ptr<queue::DurableQueue> durable_;
  const FindLane find_lane_;
  const std::shared_ptr<QueueGate> gate_;
  std::shared_ptr<ComponentStatus> status_ = StatusBoard::Unseen();

  telemetry::Counter& sent_;
  telemetry::Counter& send_failed_;
  telemetry::Counter& enqueue_failed_;
  telemetry::Counter& rejected_;
  telemetry::Counter& withdrawn_;
  telemetry::Counter& retries_;
  telemetry::Gauge queue_size_;
  telemetry::Gauge in_flight_gauge_;
  std::vector<telemetry::Registry::CollectorHandle> gauges_{};  // they end with the exporter

  SlotSignal slots_;
  mutable std::mutex mutex_;  // guards everything down to sender_
  std::condition_variable_any changed_;
  std::deque<EntryPtr> waiting_{};
  std::uint64_t waiting_size_ = 0;  // in the unit of queue_.batch
  std::multimap<Time, EntryPtr> retries_due_{};
  std::optional<Time> flush_at_{};  // waiting_ is too small a batch until then
  std::uint64_t wanted_ = 0;        // counts calls of Dispatch
  std::uint64_t stored_ = 0;        // counts what was written to disk
  std::size_t in_flight_ = 0;       // under way or waiting for a retry
  std::uint64_t held_items_ = 0;    // in memory
  std::size_t storing_ = 0;         // being written to disk
  std::size_t trying_ = 0;          // threads inside sender_->Send
  std::size_t failures_ = 0;        // attempts since the last one that succeeded
  Time last_success_ = std::chrono::steady_clock::now();
  Milliseconds failing_interval_{0};
  std::uint64_t damaged_seen_ = 0;
  bool draining_ = false;
  bool closed_ = false;
  std::minstd_rand random_;

  std::unique_ptr<Sender> sender_;
  std::jthread thread_;
};

}  // namespace wirespan::gateway
