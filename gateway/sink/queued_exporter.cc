// The way in and through the queue: room and disk. How requests are joined and cut is in
// queued_exporter_joining.cc, what becomes of an attempt in queued_exporter_attempts.cc.
#include "gateway/sink/queued_exporter.h"

#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"
#include "gateway/sink/stored_batch.h"

namespace wirespan::gateway {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string Name(std::string_view what, Signal signal) {
  return fmt::format("otelcol_exporter_{}_{}_total", what, ItemsName(signal));
}

telemetry::Labels LabelsOf(const std::string& id, Signal signal) {
  return {{"exporter", id}, {"data_type", std::string(otlp::SignalName(signal))}};
}

QueuedExporter::Promise PromiseOf(const QueueOptions& queue, bool durable) {
  if (durable) return QueuedExporter::Promise::kStored;
  return queue.enabled && !queue.wait_for_result ? QueuedExporter::Promise::kInMemory
                                                 : QueuedExporter::Promise::kDelivered;
}

// Without what they were received as.
Bytes PlainOf(const Bytes& bytes) {
  Bytes plain;
  for (const Bytes::Piece& piece : bytes.pieces()) plain.Append(Bytes(piece.owner, piece.view));
  return plain;
}

// What a queue on disk holds, in the unit of its bound.
std::function<std::uint64_t()> StoredUnits(const queue::DurableQueue* durable, Sizer sizer) {
  if (durable == nullptr) return {};
  return [durable, sizer] {
    const queue::Held held = durable->held();
    return sizer == Sizer::kRequests ? held.records
           : sizer == Sizer::kItems  ? held.items
                                     : held.bytes;
  };
}

}  // namespace

QueuedExporter::QueuedExporter(std::string id, Signal signal, QueueOptions queue,
                               RetryOptions retry, std::unique_ptr<Sender> sender,
                               telemetry::Registry& registry,
                               std::unique_ptr<queue::DurableQueue> durable, FindLane find_lane)
    : id_(std::move(id)),
      signal_(signal),
      queue_(std::move(queue)),
      retry_(retry),
      promise_(PromiseOf(queue_, durable != nullptr)),
      registry_(registry),
      durable_(std::move(durable)),
      find_lane_(std::move(find_lane)),
      gate_(std::make_shared<QueueGate>(id_, queue_, StoredUnits(durable_.get(), queue_.sizer))),
      sent_(registry.counter(Name("sent", signal), "Items delivered", {{"exporter", id_}})),
      send_failed_(registry.counter(Name("send_failed", signal),
                                    "Items given up, or given back to their senders, after trying",
                                    {{"exporter", id_}})),
      enqueue_failed_(registry.counter(Name("enqueue_failed", signal),
                                       "Items refused because the queue was full",
                                       {{"exporter", id_}})),
      rejected_(registry.counter("wirespan_exporter_rejected_items_total",
                                 "Items that the next hop said it rejected (partial success)",
                                 LabelsOf(id_, signal))),
      withdrawn_(registry.counter("wirespan_exporter_withdrawn_items_total",
                                  "Items that were not sent because their senders gave up",
                                  LabelsOf(id_, signal))),
      retries_(registry.counter("wirespan_exporter_retries_total", "Requests put back for a retry",
                                LabelsOf(id_, signal))),
      failing_interval_(retry_.initial_interval),
      random_(std::random_device{}()),
      sender_(std::move(sender)) {
  ShowGauges();
  for (const char* reason : {"failed", "too_large", "expired", "shutdown"}) Dropped(reason);
  {
    std::lock_guard lock(mutex_);
    UpdateGauges();
  }
  thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
}

telemetry::Counter& QueuedExporter::Dropped(std::string_view reason) {
  telemetry::Labels labels = LabelsOf(id_, signal_);
  labels.emplace_back("reason", std::string(reason));
  return registry_.counter("wirespan_exporter_dropped_items_total",
                           "Items lost inside the exporter, by reason", labels);
}

// A counter outlives the exporter that counted; what is held by one that is gone is nothing.
void QueuedExporter::ShowGauges() {
  const auto show = [&](std::string_view name, std::string_view help,
                        std::function<double()> value) {
    gauges_.push_back(registry_.AddScopedCollector(
        name, help, false,
        [name = std::string(name), labels = LabelsOf(id_, signal_),
         value = std::move(value)](std::vector<telemetry::Sample>& samples) {
          samples.push_back({.name = name, .labels = labels, .value = value()});
        }));
  };
  show("otelcol_exporter_queue_size", "Held in the sending queue",
       [this] { return queue_size_.value(); });
  show("otelcol_exporter_queue_capacity", "Bound of the sending queue",
       [this] { return queue_.enabled ? static_cast<double>(queue_.queue_size) : 0; });
  show("otelcol_exporter_in_flight_requests", "Requests under way or waiting for a retry",
       [this] { return in_flight_gauge_.value(); });
}

void QueuedExporter::UpdateGauges() {
  queue_size_.Set(queue_.enabled ? static_cast<double>(gate_->used()) : 0);
  in_flight_gauge_.Set(static_cast<double>(in_flight_));
}

bool QueuedExporter::Ready() const {
  if (durable_ || !queue_.enabled) return true;
  std::lock_guard lock(mutex_);
  return closed_ || (waiting_.empty() && in_flight_ < queue_.num_consumers);
}

// Whoever came through the gate has room already; others (a test, a second copy) are asked here.
bool QueuedExporter::TakeRoom(Entry& entry) {
  Batch& batch = entry.batch;
  const std::uint64_t units = gate_->UnitsOf(batch.items, batch.bytes.size());
  const bool admitted =
      std::any_of(batch.leases.begin(), batch.leases.end(),
                  [&](const auto& lease) { return lease->PassedThrough(*gate_); });
  if (admitted) {
    gate_->Occupy(units);
    for (const auto& lease : batch.leases) lease->Take(*gate_);
  } else if (milliseconds retry_after{0}; !gate_->TryOccupy(units, retry_after)) {
    enqueue_failed_.Add(batch.items);
    Book(entry, {}, End::kReturned);
    log::WriteLimited(log::Level::kWarn, "queue full " + id_,
                      fmt::format("exporter {}: the sending queue is full, refusing data", id_));
    batch.ack.Answer(
        Outcome::Retry(fmt::format("the sending queue of exporter {} is full", id_), retry_after));
    return false;
  }
  entry.units = units;
  return true;
}

void QueuedExporter::Consume(Batch batch) {
  auto entry = std::make_shared<Entry>();
  entry->arrived = steady_clock::now();
  entry->batch = std::move(batch);
  entry->batch.metadata = Narrowed(entry->batch.metadata, queue_.metadata_keys);
  if (entry->batch.lane != nullptr) {
    entry->lanes.emplace_back(entry->batch.lane, entry->batch.items);
  }
  if (!TakeRoom(*entry)) return;
  // It will be cut, for which the plain bytes are needed.
  if (IsTooLarge(entry->batch.bytes)) entry->batch.bytes = PlainOf(entry->batch.bytes);
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    gate_->Release(entry->units);
    Book(*entry, {}, End::kReturned);
    entry->batch.ack.Answer(Outcome::Retry(fmt::format("exporter {} is shutting down", id_)));
    return;
  }
  held_items_ += entry->batch.items;
  if (promise_ == Promise::kStored) {
    ++storing_;
    UpdateGauges();
    lock.unlock();
    Store(std::move(entry));
    return;
  }
  Ack early;
  if (promise_ == Promise::kInMemory) early = std::move(entry->batch.ack);
  // Nothing but the compressed bytes will be needed: they are a fraction of the plain ones.
  if (entry->batch.bytes.ReceivedIn(sender_->wire_encoding()) != nullptr && !queue_.batch) {
    entry->batch.bytes.DropPlain();
  }
  waiting_size_ += SizeInBatch(entry->batch);
  waiting_.push_back(std::move(entry));
  UpdateGauges();
  lock.unlock();
  if (early.pending()) early.Answer({.in_memory = true});
  Dispatch();
}

void QueuedExporter::Store(EntryPtr entry) {
  StoredForm stored = ToStored(entry->batch);
  auto keep = stored.keep;
  const auto items = static_cast<std::uint32_t>(entry->batch.items);
  durable_->Append(
      std::move(stored.meta), std::move(stored.payload), items, std::move(keep),
      [this, entry](Result<> written) {
        gate_->Release(entry->units);  // it counts as stored now, or not at all
        Outcome outcome;
        if (!written) {
          enqueue_failed_.Add(entry->batch.items);
          Book(*entry, {}, End::kReturned);
          log::WriteLimited(log::Level::kError, "store " + id_,
                            fmt::format("exporter {}: {}", id_, written.error().message));
          outcome = Outcome::Retry(fmt::format("exporter {} can't store the request", id_),
                                   milliseconds(5000));
        }
        entry->batch.ack.Answer(std::move(outcome));
        std::lock_guard lock(mutex_);
        held_items_ -= entry->batch.items;
        --storing_;
        ++stored_;
        UpdateGauges();
        changed_.notify_all();  // the exporter's thread sends: this one writes
      });
  if (queue_.drop_oldest) DropOldestOverBound();
}

void QueuedExporter::DropOldestOverBound() {
  while (gate_->over()) {
    const auto record = durable_->DropOldest();
    if (!record) return;
    Dropped("oldest").Add(record->items);
    Batch dropped;
    std::string pipeline;
    FromStored(*record, dropped, pipeline);
    if (ExporterLane* lane = find_lane_ ? find_lane_(pipeline) : nullptr) {
      if (record->earlier_life) lane->Entered(record->items);
      lane->Dropped("oldest", record->items);
    }
    log::WriteLimited(log::Level::kWarn, "drop oldest " + id_,
                      fmt::format("exporter {}: the queue is full, dropping the oldest", id_));
  }
}

void QueuedExporter::CountDamage() {
  const std::uint64_t damaged = durable_->counts().damaged_records;
  if (damaged == damaged_seen_) return;
  registry_
      .counter("wirespan_exporter_damaged_records_total",
               "Records of the queue on disk that could not be read", LabelsOf(id_, signal_))
      .Add(damaged - damaged_seen_);
  log::WriteLimited(log::Level::kError, "damage " + id_,
                    fmt::format("exporter {}: {} damaged records on disk were skipped", id_,
                                damaged - damaged_seen_));
  damaged_seen_ = damaged;
}

// One more record from disk into waiting_. False: none is there.
bool QueuedExporter::Fetch(std::unique_lock<std::mutex>& lock) {
  if (!durable_) return false;
  lock.unlock();
  auto record = durable_->Next();
  auto entry = std::make_shared<Entry>();
  bool readable = false;
  if (record) {
    auto on_disk = std::make_shared<OnDisk>();
    on_disk->seq = record->seq;
    on_disk->items = record->items;
    on_disk->bytes = record->payload_bytes;
    entry->arrived = steady_clock::now();
    entry->on_disk.push_back(on_disk);
    const bool earlier = record->earlier_life;
    std::string pipeline;
    readable = FromStored(std::move(*record), entry->batch, pipeline);
    if (ExporterLane* lane = find_lane_ ? find_lane_(pipeline) : nullptr) {
      // What an earlier life of the process left enters the books when it is read.
      if (earlier) lane->Entered(on_disk->items);
      entry->lanes.emplace_back(lane, on_disk->items);
      if (!readable) lane->Dropped("unreadable", on_disk->items);
    }
    if (!readable) {
      Dropped("unreadable").Add(on_disk->items);
      durable_->Ack(on_disk->seq, on_disk->items, on_disk->bytes);
    }
  }
  lock.lock();
  CountDamage();
  if (readable) {
    waiting_size_ += SizeInBatch(entry->batch);
    waiting_.push_back(std::move(entry));
  }
  return record.has_value();
}

// Where nobody waits for an answer, small requests wait for company.
bool QueuedExporter::RipeToSend() const {
  if (!queue_.batch || draining_ || promise_ == Promise::kDelivered) return true;
  return waiting_size_ >= queue_.batch->min_size ||
         steady_clock::now() >= waiting_.front()->arrived + queue_.batch->flush_timeout;
}

// The next request to send, with its slot taken; null: none, or no slot.
QueuedExporter::EntryPtr QueuedExporter::TakeNext(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (closed_) return nullptr;
    if (durable_ && draining_) return nullptr;  // it is safe where it is
    if (queue_.enabled && in_flight_ >= queue_.num_consumers) return nullptr;
    ++in_flight_;
    const std::uint64_t wanted = wanted_ + stored_;
    bool more = true;
    while (more && (waiting_.empty() || (queue_.batch && waiting_size_ < queue_.batch->min_size))) {
      more = Fetch(lock);
    }
    if (closed_ || waiting_.empty() || !RipeToSend()) {
      --in_flight_;
      changed_.notify_all();
      if (!closed_ && wanted != wanted_ + stored_) continue;  // something came while we looked
      if (!closed_ && !waiting_.empty()) {
        flush_at_ = waiting_.front()->arrived + queue_.batch->flush_timeout;
        changed_.notify_all();
      }
      return nullptr;
    }
    EntryPtr next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_size_ -= std::min(waiting_size_, SizeInBatch(next->batch));
    flush_at_.reset();
    if (queue_.batch) JoinMore(*next, lock);
    CutToSize(next);
    return next;
  }
}

void QueuedExporter::Dispatch() {
  {
    std::lock_guard lock(mutex_);
    ++wanted_;
  }
  for (;;) {
    EntryPtr next;
    {
      std::unique_lock lock(mutex_);
      next = TakeNext(lock);
      if (!next) return;
      ++trying_;
      next->first_try = steady_clock::now();
      next->interval = retry_.initial_interval;
      UpdateGauges();
    }
    Try(next);
  }
}

}  // namespace wirespan::gateway
