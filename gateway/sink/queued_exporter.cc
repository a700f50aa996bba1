#include "gateway/sink/queued_exporter.h"

#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"

namespace wirespan::gateway {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFullRetryAfter{5000};
constexpr milliseconds kDrainingInterval{500};

std::string Name(std::string_view what, Signal signal) {
  return fmt::format("otelcol_exporter_{}_{}_total", what, ItemsName(signal));
}

}  // namespace

QueuedExporter::QueuedExporter(std::string id, Signal signal, QueueOptions queue,
                               RetryOptions retry, std::unique_ptr<Sender> sender,
                               telemetry::Registry& registry)
    : id_(std::move(id)),
      queue_(queue),
      retry_(retry),
      sent_(registry.counter(Name("sent", signal), "Items delivered", {{"exporter", id_}})),
      send_failed_(registry.counter(Name("send_failed", signal), "Items given up after trying",
                                    {{"exporter", id_}})),
      enqueue_failed_(registry.counter(Name("enqueue_failed", signal),
                                       "Items refused because the queue was full",
                                       {{"exporter", id_}})),
      rejected_(registry.counter(
          "wirespan_exporter_rejected_items_total",
          "Items that the next hop said it rejected (partial success)",
          {{"exporter", id_}, {"data_type", std::string(otlp::SignalName(signal))}})),
      dropped_at_shutdown_(registry.counter("wirespan_exporter_dropped_items_total",
                                            "Items lost inside the exporter, by reason",
                                            {{"exporter", id_},
                                             {"data_type", std::string(otlp::SignalName(signal))},
                                             {"reason", "shutdown"}})),
      retries_(registry.counter(
          "wirespan_exporter_retries_total", "Requests put back for a retry",
          {{"exporter", id_}, {"data_type", std::string(otlp::SignalName(signal))}})),
      queue_size_(registry.gauge(
          "otelcol_exporter_queue_size", "Held in the sending queue",
          {{"exporter", id_}, {"data_type", std::string(otlp::SignalName(signal))}})),
      in_flight_gauge_(registry.gauge(
          "otelcol_exporter_in_flight_requests", "Requests under way or waiting for a retry",
          {{"exporter", id_}, {"data_type", std::string(otlp::SignalName(signal))}})),
      random_(std::random_device{}()),
      sender_(std::move(sender)),
      thread_([this](std::stop_token stop) { Run(stop); }) {
  registry
      .gauge("otelcol_exporter_queue_capacity", "Bound of the sending queue",
             {{"exporter", id_}, {"data_type", std::string(otlp::SignalName(signal))}})
      .Set(queue_.enabled ? static_cast<double>(queue_.queue_size) : 0);
}

QueuedExporter::~QueuedExporter() {
  Drain(steady_clock::now());
  thread_.request_stop();
  thread_.join();
}

std::uint64_t QueuedExporter::SizeOf(const Batch& batch) const {
  switch (queue_.sizer) {
    case Sizer::kRequests:
      return 1;
    case Sizer::kItems:
      return std::max<std::uint64_t>(batch.items, 1);
    case Sizer::kBytes:
      return std::max<std::uint64_t>(batch.bytes.size(), 1);
  }
  return 1;
}

void QueuedExporter::UpdateGauges() {
  queue_size_.Set(static_cast<double>(queue_.enabled ? used_ : 0));
  in_flight_gauge_.Set(static_cast<double>(in_flight_));
}

bool QueuedExporter::Ready() const {
  std::lock_guard lock(mutex_);
  return closed_ || !queue_.enabled || (waiting_.empty() && in_flight_ < queue_.num_consumers);
}

void QueuedExporter::Consume(Batch batch) {
  auto entry = std::make_shared<Entry>();
  entry->size = SizeOf(batch);
  entry->batch = std::move(batch);
  bool full = false;
  bool closed = false;
  Ack early;
  {
    std::lock_guard lock(mutex_);
    closed = closed_;
    full = !closed && queue_.enabled && used_ + entry->size > queue_.queue_size;
    if (full && queue_.block_on_overflow && entry->size <= queue_.queue_size) {
      overflow_.push_back(entry);
      held_items_ += entry->batch.items;
      return;
    }
    if (!full && !closed) {
      if (queue_.enabled && !queue_.wait_for_result) early = std::move(entry->batch.ack);
      used_ += entry->size;
      held_items_ += entry->batch.items;
      waiting_.push_back(entry);
      UpdateGauges();
    }
  }
  if (closed) {
    entry->batch.ack.Answer(
        Outcome::Retry(fmt::format("exporter {} is shutting down", id_), kFullRetryAfter));
    return;
  }
  if (full) {
    enqueue_failed_.Add(entry->batch.items);
    log::WriteLimited(log::Level::kWarn, "queue full " + id_,
                      fmt::format("exporter {}: the sending queue is full, refusing data", id_));
    entry->batch.ack.Answer(Outcome::Retry(
        fmt::format("the sending queue of exporter {} is full", id_), kFullRetryAfter));
    return;
  }
  entry.reset();  // another thread's from here on
  early.Answer({});
  Dispatch();
}

void QueuedExporter::Dispatch() {
  for (;;) {
    EntryPtr next;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty() || closed_) return;
      if (queue_.enabled && in_flight_ >= queue_.num_consumers) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      ++trying_;
      next->first_try = steady_clock::now();
      next->interval = retry_.initial_interval;
      UpdateGauges();
    }
    Try(next);
  }
}

void QueuedExporter::Try(const EntryPtr& entry) {
  sender_->Send(entry->batch.signal, entry->batch.items, entry->batch.bytes,
                [this, entry](Outcome outcome) { OnDone(entry, std::move(outcome)); });
  std::lock_guard lock(mutex_);
  --trying_;
  changed_.notify_all();
}

void QueuedExporter::OnDone(const EntryPtr& entry, Outcome outcome) {
  if (!outcome.ok() && outcome.retryable && retry_.enabled) {
    std::unique_lock lock(mutex_);
    // initial_interval, then multiplied up to max_interval, each +- randomization_factor; never
    // sooner than asked.
    std::uniform_real_distribution<double> spread(1 - retry_.randomization_factor,
                                                  1 + retry_.randomization_factor);
    milliseconds delay(
        static_cast<std::int64_t>(static_cast<double>(entry->interval.count()) * spread(random_)));
    delay = std::max(delay, outcome.retry_after.value_or(milliseconds(0)));
    if (draining_) delay = std::min(delay, kDrainingInterval);
    const auto due = steady_clock::now() + delay;
    const bool too_late =
        retry_.max_elapsed_time.count() > 0 && due - entry->first_try > retry_.max_elapsed_time;
    if (!closed_ && !too_late) {
      entry->interval =
          std::min(milliseconds(static_cast<std::int64_t>(
                       static_cast<double>(entry->interval.count()) * retry_.multiplier)),
                   retry_.max_interval);
      retries_due_.emplace(due, entry);
      changed_.notify_all();
      lock.unlock();
      retries_.Add();
      log::WriteLimited(
          log::Level::kWarn, "retry " + id_,
          fmt::format("exporter {}: {}; retrying in {} ms", id_, outcome.message, delay.count()));
      return;
    }
  }
  Finish(entry, std::move(outcome));
  Dispatch();
  if (Ready()) slots_.Notify();
}

void QueuedExporter::Finish(const EntryPtr& entry, Outcome outcome) {
  const std::uint64_t items = entry->batch.items;
  if (outcome.ok()) {
    sent_.Add(items - std::min(items, outcome.rejected_items));
    if (outcome.rejected_items > 0) {
      rejected_.Add(outcome.rejected_items);
      log::WriteLimited(log::Level::kWarn, "partial " + id_,
                        fmt::format("exporter {}: the next hop rejected {} items: {}", id_,
                                    outcome.rejected_items, outcome.message));
    }
  } else {
    send_failed_.Add(items);
    log::WriteLimited(
        log::Level::kError, "failed " + id_,
        fmt::format("exporter {}: gave up {} items: {}", id_, items, outcome.message));
  }
  std::vector<Ack> admitted;
  {
    std::lock_guard lock(mutex_);
    if (closed_ && !outcome.ok() && !entry->batch.ack.pending()) dropped_at_shutdown_.Add(items);
    --in_flight_;
    used_ -= entry->size;
    held_items_ -= items;
    while (!overflow_.empty() && used_ + overflow_.front()->size <= queue_.queue_size) {
      EntryPtr next = std::move(overflow_.front());
      overflow_.pop_front();
      used_ += next->size;
      if (!queue_.wait_for_result) admitted.push_back(std::move(next->batch.ack));
      waiting_.push_back(std::move(next));
    }
    UpdateGauges();
    changed_.notify_all();
  }
  entry->batch.ack.Answer(std::move(outcome));
  entry->batch = {};
  for (Ack& ack : admitted) ack.Answer({});
}

void QueuedExporter::Run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (retries_due_.empty() || closed_) {
      changed_.wait(lock, stop, [&] { return !retries_due_.empty() && !closed_; });
      continue;
    }
    const auto due = retries_due_.begin()->first;
    if (steady_clock::now() < due) {
      changed_.wait_until(lock, stop, due, [&] {
        return retries_due_.empty() || retries_due_.begin()->first < due;
      });
      continue;
    }
    EntryPtr entry = std::move(retries_due_.begin()->second);
    retries_due_.erase(retries_due_.begin());
    ++trying_;
    lock.unlock();
    Try(entry);
    entry.reset();
    lock.lock();
  }
}

std::uint64_t QueuedExporter::Drain(steady_clock::time_point deadline) {
  std::deque<EntryPtr> left;
  std::uint64_t items = 0;
  {
    std::unique_lock lock(mutex_);
    if (closed_) return 0;
    draining_ = true;
    std::multimap<Time, EntryPtr> now;
    for (auto& [due, entry] : retries_due_) now.emplace(steady_clock::now(), std::move(entry));
    retries_due_ = std::move(now);
    changed_.notify_all();
    changed_.wait_until(lock, deadline, [&] { return held_items_ == 0 && in_flight_ == 0; });
    closed_ = true;
    items = held_items_;
    left.swap(waiting_);
    for (auto& [due, entry] : retries_due_) {
      left.push_back(std::move(entry));
      --in_flight_;
    }
    retries_due_.clear();
    for (EntryPtr& entry : left) {
      used_ -= entry->size;
      held_items_ -= entry->batch.items;
    }
    for (EntryPtr& entry : overflow_) {
      held_items_ -= entry->batch.items;
      left.push_back(std::move(entry));
    }
    overflow_.clear();
    UpdateGauges();
    changed_.notify_all();
  }
  if (items > 0) {
    log::Warn("exporter {}: {} items were not delivered before the end of the shutdown", id_,
              items);
  }
  for (EntryPtr& entry : left) {
    // Only what was answered OK is lost; the others' senders are told to keep theirs.
    if (!entry->batch.ack.pending()) dropped_at_shutdown_.Add(entry->batch.items);
    send_failed_.Add(entry->batch.items);
    entry->batch.ack.Answer(Outcome::Retry(fmt::format("exporter {} is shutting down", id_)));
  }
  {
    std::unique_lock lock(mutex_);  // no new attempt begins once closed_ is set
    changed_.wait(lock, [&] { return trying_ == 0; });
  }
  sender_.reset();  // cancels what is under way and answers for it
  return items;
}

}  // namespace wirespan::gateway
