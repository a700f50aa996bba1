#include "gateway/pipeline/batch_processor.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>

#include "common/otlp/walk.h"

namespace wirespan::gateway {

namespace {

using std::chrono::steady_clock;

constexpr const char* kSizeName = "otelcol_processor_batch_batch_send_size";

// The batches of one combination of metadata, waiting to be joined.
struct Held {
  std::shared_ptr<const Metadata> metadata{};
  std::vector<Batch> parts{};
  std::uint64_t items = 0;
  steady_clock::time_point oldest{};
};

Batch Join(Held held) {
  if (held.parts.size() == 1) return std::move(held.parts.front());
  Batch joined;
  joined.signal = held.parts.front().signal;
  joined.items = held.items;
  joined.metadata = std::move(held.metadata);
  joined.ledger = held.parts.front().ledger;  // a processor is one pipeline's
  std::vector<Ack> acks;
  acks.reserve(held.parts.size());
  for (Batch& part : held.parts) {
    joined.bytes.Append(part.bytes);
    for (auto& lease : part.leases) joined.leases.push_back(std::move(lease));
    acks.push_back(std::move(part.ack));
  }
  joined.ack = MergeAcks(std::move(acks));
  return joined;
}

}  // namespace

class BatchProcessor::Core {
 public:
  Core(const std::string& id, BatchOptions options, Consumer& next, telemetry::Registry& registry)
      : options_(std::move(options)),
        next_(next),
        size_triggers_(registry.counter("otelcol_processor_batch_batch_size_trigger_send_total",
                                        "Batches sent because they were full",
                                        {{"processor", id}})),
        timeout_triggers_(registry.counter("otelcol_processor_batch_timeout_trigger_send_total",
                                           "Batches sent because they were old",
                                           {{"processor", id}})),
        slot_triggers_(registry.counter("wirespan_processor_batch_slot_trigger_send_total",
                                        "Batches sent because an exporter had a free slot",
                                        {{"processor", id}})),
        combinations_(registry.gauge("otelcol_processor_batch_metadata_cardinality",
                                     "Combinations of metadata that are waiting",
                                     {{"processor", id}})),
        sizes_(registry.histogram(
            kSizeName, "Items in a sent batch",
            {10,   25,   50,   75,   100,  250,  500,   750,   1000,  2000,  3000,
             4000, 5000, 6000, 7000, 8000, 9000, 10000, 20000, 30000, 50000, 100000},
            {{"processor", id}})) {}

  void Take(Batch batch) {
    batch.metadata = Narrowed(batch.metadata, options_.metadata_keys);
    Held ready;
    {
      std::lock_guard lock(mutex_);
      const auto shard = std::find_if(shards_.begin(), shards_.end(), [&](const Held& held) {
        return SameMetadata(held.metadata, batch.metadata);
      });
      const bool fresh = shard == shards_.end();
      const std::uint64_t limit = options_.metadata_cardinality_limit;
      const bool alone = draining_ || options_.timeout.count() == 0 ||
                         (fresh && limit > 0 && shards_.size() >= limit);
      ++sending_;
      if (alone) {
        ready = Add({}, std::move(batch));
      } else {
        if (fresh) {
          shards_.push_back({});
          shards_.back().metadata = batch.metadata;
          shards_.back().oldest = steady_clock::now();
          changed_.notify_one();  // the timer may be asleep for good
        }
        const auto at = fresh ? std::prev(shards_.end()) : shard;
        *at = Add(std::move(*at), std::move(batch));
        const bool full = options_.send_batch_size > 0 && at->items >= options_.send_batch_size;
        // Asked only after the batch is among those that wait: a slot that becomes free from here
        // on finds it (see SendWaiting).
        if (full || next_.Ready()) {
          (full ? size_triggers_ : slot_triggers_).Add();
          ready = Remove(at);
        }
      }
    }
    Send(std::move(ready));
    Sent();
  }

  // While a slot is free: the combination that waits longest.
  void SendWaiting() {
    for (;;) {
      Held ready;
      {
        std::lock_guard lock(mutex_);
        if (closed_ || shards_.empty() || !next_.Ready()) return;
        slot_triggers_.Add();
        ready = Remove(shards_.begin());
        ++sending_;
      }
      Send(std::move(ready));
      Sent();
    }
  }

  void Drain() {
    std::list<Held> ready;
    {
      std::lock_guard lock(mutex_);
      draining_ = true;
      ready.swap(shards_);
      combinations_.Set(0);
    }
    for (Held& held : ready) Send(std::move(held));
  }

  // What comes next may be destroyed afterwards.
  void Close() {
    Drain();
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.wait(lock, [&] { return sending_ == 0; });
  }

  void WatchTimeouts(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (shards_.empty()) {
        changed_.wait(lock, stop, [&] { return !shards_.empty(); });
        continue;
      }
      const auto due = shards_.front().oldest + options_.timeout;  // the oldest stands first
      if (steady_clock::now() < due) {
        changed_.wait_until(lock, stop, due, [] { return false; });
        continue;
      }
      timeout_triggers_.Add();
      Held ready = Remove(shards_.begin());
      lock.unlock();
      Send(std::move(ready));
      lock.lock();
    }
  }

 private:
  using Shard = std::list<Held>::iterator;

  static Held Add(Held held, Batch batch) {
    held.items += batch.items;
    held.parts.push_back(std::move(batch));
    return held;
  }
  Held Remove(Shard shard) {  // mutex_ held
    Held held = std::move(*shard);
    shards_.erase(shard);
    combinations_.Set(static_cast<double>(shards_.size()));
    return held;
  }

  void Sent() {
    std::lock_guard lock(mutex_);
    if (--sending_ == 0 && draining_) changed_.notify_all();
  }

  void Send(Held held) {
    if (held.parts.empty()) return;
    Batch joined = Join(std::move(held));
    if (options_.send_batch_max_size > 0 && joined.items > options_.send_batch_max_size) {
      SendSplit(std::move(joined));
      return;
    }
    sizes_.Observe(static_cast<double>(joined.items));
    next_.Consume(std::move(joined));
  }

  void SendSplit(Batch batch) {
    std::string storage;
    std::vector<otlp::Part> parts =
        otlp::Split(batch.signal, batch.bytes.Contiguous(storage), options_.send_batch_max_size);
    std::vector<Ack> acks = ForkAck(std::move(batch.ack), parts.size(), Forks::kParts);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      sizes_.Observe(static_cast<double>(parts[i].items));
      Batch part;
      part.signal = batch.signal;
      part.items = parts[i].items;
      part.bytes = Bytes(std::move(parts[i].bytes));
      part.metadata = batch.metadata;
      part.ledger = batch.ledger;
      part.leases = batch.leases;
      part.ack = std::move(acks[i]);
      next_.Consume(std::move(part));
    }
  }

  const BatchOptions options_;
  Consumer& next_;
  telemetry::Counter& size_triggers_;
  telemetry::Counter& timeout_triggers_;
  telemetry::Counter& slot_triggers_;
  telemetry::Gauge& combinations_;
  telemetry::Histogram& sizes_;

  std::mutex mutex_;  // guards everything below; never held while a batch is passed on
  std::condition_variable_any changed_;
  std::list<Held> shards_{};  // in the order of `oldest`; none is empty
  std::size_t sending_ = 0;   // calls of Take and SendWaiting on their way to next_
  bool draining_ = false;
  bool closed_ = false;
};

BatchProcessor::BatchProcessor(std::string id, BatchOptions options, Consumer& next,
                               telemetry::Registry& registry)
    : Processor(next),
      core_(std::make_shared<Core>(id, std::move(options), next, registry)),
      listener_(
          std::make_shared<const SlotSignal::Listener>([core = core_] { core->SendWaiting(); })),
      thread_([core = core_](std::stop_token stop) { core->WatchTimeouts(stop); }) {
  next.Listen(listener_);
}

BatchProcessor::~BatchProcessor() {
  thread_.request_stop();
  thread_.join();
  core_->Close();
}

void BatchProcessor::Consume(Batch batch) { core_->Take(std::move(batch)); }

void BatchProcessor::Drain() { core_->Drain(); }

}  // namespace wirespan::gateway
