// Attempts of a QueuedExporter and what becomes of them.
#include <algorithm>
#include <utility>

#include "common/telemetry/log.h"
#include "gateway/sink/encode.h"
#include "gateway/sink/queued_exporter.h"

namespace wirespan::gateway {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {
constexpr milliseconds kDrainingInterval{500};
// So many failures in a row over so long a time, and the exporter is known to be down.
constexpr std::size_t kDownAfter = 3;
constexpr milliseconds kDownAfterTime{1000};
// What is on disk is safe: a shutdown waits no longer than this for attempts under way.
constexpr milliseconds kDurableDrain{2000};
}  // namespace

QueuedExporter::~QueuedExporter() {
  gauges_.clear();  // no scrape asks from here on
  Drain(steady_clock::now());
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// False: it ended here, and its slot is free; true: OnDone comes, or has come.
bool QueuedExporter::Try(const EntryPtr& entry) {
  bool sent = false;
  if (entry->batch.ack.pending() && AllWithdrawn(entry->batch.leases)) {
    Finish(entry, Outcome::Retry("the sender gave up"), End::kWithdrawn);
  } else {
    Bytes bytes = entry->batch.bytes;
    if (bytes.ReceivedIn(sender_->wire_encoding()) == nullptr && !MakePlain(bytes)) {
      Finish(entry, Outcome::Reject(StatusCode::kInternal, "the request could not be inflated"),
             End::kFailed);
    } else if (IsTooLarge(bytes)) {
      Finish(entry,
             Outcome::Reject(StatusCode::kResourceExhausted,
                             fmt::format("{} bytes that can't be cut are more than a request may "
                                         "have ({})",
                                         bytes.size(), queue_.max_request_bytes)),
             End::kTooLarge);
    } else {
      sent = true;
      sender_->Send({.signal = entry->batch.signal,
                     .items = entry->batch.items,
                     .bytes = std::move(bytes),
                     .metadata = entry->batch.metadata},
                    [this, entry](Outcome outcome) { OnDone(entry, std::move(outcome)); });
    }
  }
  std::lock_guard lock(mutex_);
  --trying_;
  if (draining_) changed_.notify_all();
  return sent;
}

void QueuedExporter::OnDone(const EntryPtr& entry, Outcome outcome) {
  if (outcome.ok()) {
    bool was_down = false;
    {
      std::lock_guard lock(mutex_);
      was_down = failures_ > 0;
      failures_ = 0;
      last_success_ = steady_clock::now();
      failing_interval_ = retry_.initial_interval;
    }
    if (was_down) gate_->Up();
    status_->Set(ComponentState::kOk);
    Finish(entry, std::move(outcome), End::kSent);
  } else if (!outcome.retryable) {
    Finish(entry, std::move(outcome), End::kFailed);
  } else if (entry->batch.ack.pending() && AllWithdrawn(entry->batch.leases)) {
    Finish(entry, std::move(outcome), End::kWithdrawn);
  } else if (RetryLater(entry, outcome)) {
    return;
  } else {
    bool shutdown = false;
    {
      std::lock_guard lock(mutex_);
      shutdown = closed_ || (durable_ && draining_);
    }
    Finish(entry, std::move(outcome),
           entry->batch.ack.pending() ? End::kReturned
           : shutdown                 ? End::kShutdown
                                      : End::kExpired);
  }
  Dispatch();
  if (Ready()) slots_.Notify();
}

// Puts it back for a retry. False: nobody will try again here; `outcome` says when the sender may.
bool QueuedExporter::RetryLater(const EntryPtr& entry, Outcome& outcome) {
  const bool waited_for = entry->batch.ack.pending();
  std::unique_lock lock(mutex_);
  const bool closing = closed_ || (durable_ && draining_);
  const auto now = steady_clock::now();
  // initial_interval, then multiplied up to max_interval, each +- randomization_factor; never
  // sooner than asked.
  std::uniform_real_distribution<double> spread(1 - retry_.randomization_factor,
                                                1 + retry_.randomization_factor);
  milliseconds delay(
      static_cast<std::int64_t>(static_cast<double>(entry->interval.count()) * spread(random_)));
  delay = std::max(delay, outcome.retry_after.value_or(milliseconds(0)));
  if (draining_) delay = std::min(delay, kDrainingInterval);
  const milliseconds longer(
      static_cast<std::int64_t>(static_cast<double>(entry->interval.count()) * retry_.multiplier));
  entry->interval = std::min(longer, retry_.max_interval);
  const auto due = now + delay;
  const bool expired = !retry_.enabled || (retry_.max_elapsed_time.count() > 0 &&
                                           due - entry->first_try > retry_.max_elapsed_time);
  const bool impatient = waited_for && due - entry->arrived > queue_.patience && !draining_;
  if (waited_for) {
    outcome.retry_after = delay;
    outcome.code = StatusCode::kUnavailable;  // what it is to our sender, whatever the cause
  }
  const bool again = !closing && !expired && !impatient;
  if (again) {
    retries_due_.emplace(due, entry);
    retries_.Add();
    changed_.notify_all();
  }
  lock.unlock();
  if (again) {
    log::WriteLimited(
        log::Level::kWarn, "retry " + id_,
        fmt::format("exporter {}: {}; retrying in {} ms", id_, outcome.message, delay.count()));
  }
  status_->Set(NoteFailure(delay) ? ComponentState::kRefusing : ComponentState::kDegraded,
               outcome.message);
  return again;
}

// Senders wait for this exporter, and it fails: beyond a few times in a row they are told at the
// door, and those that wait already are told now. True: that is the case.
bool QueuedExporter::NoteFailure(milliseconds delay) {
  Outcome refusal = Outcome::Retry(fmt::format("exporter {} can't reach its backend", id_), delay);
  {
    std::lock_guard lock(mutex_);
    ++failures_;
    if (promise_ != Promise::kDelivered || draining_) return false;
    // A backend that is merely at its limit still takes some.
    if (failures_ < kDownAfter || steady_clock::now() - last_success_ < kDownAfterTime) {
      return false;
    }
    delay = std::max(delay, failing_interval_);
    const milliseconds longer(static_cast<std::int64_t>(
        static_cast<double>(failing_interval_.count()) * retry_.multiplier));
    failing_interval_ = std::min(longer, retry_.max_interval);
    refusal.retry_after = delay;
  }
  gate_->Down(steady_clock::now() + delay);
  ReturnWaiting(refusal);
  return true;
}

void QueuedExporter::ReturnWaiting(const Outcome& outcome) {
  std::deque<EntryPtr> returned;
  {
    std::lock_guard lock(mutex_);
    for (EntryPtr& entry : waiting_) {
      if (entry->batch.ack.pending()) returned.push_back(std::exchange(entry, nullptr));
    }
    std::erase(waiting_, nullptr);
    for (const EntryPtr& entry : returned) waiting_size_ -= SizeInBatch(entry->batch);
    in_flight_ += returned.size();  // as if they had been tried
    for (auto& [due, entry] : retries_due_) {
      if (entry->batch.ack.pending()) returned.push_back(std::exchange(entry, nullptr));
    }
    std::erase_if(retries_due_, [](const auto& retry) { return retry.second == nullptr; });
  }
  for (const EntryPtr& entry : returned) Finish(entry, outcome, End::kReturned);
}

void QueuedExporter::Count(const Entry& entry, const Outcome& outcome, End end) {
  const std::uint64_t items = entry.batch.items;
  switch (end) {
    case End::kSent:
      sent_.Add(items - std::min(items, outcome.rejected_items));
      if (outcome.rejected_items == 0) return;
      rejected_.Add(outcome.rejected_items);
      log::WriteLimited(log::Level::kWarn, "partial " + id_,
                        fmt::format("exporter {}: the next hop rejected {} items: {}", id_,
                                    outcome.rejected_items, outcome.message));
      return;
    case End::kFailed:
    case End::kTooLarge:
    case End::kExpired:
    case End::kShutdown:
      send_failed_.Add(items);
      Dropped(end == End::kFailed     ? "failed"
              : end == End::kTooLarge ? "too_large"
              : end == End::kExpired  ? "expired"
                                      : "shutdown")
          .Add(items);
      log::WriteLimited(
          log::Level::kError, "failed " + id_,
          fmt::format("exporter {}: gave up {} items: {}", id_, items, outcome.message));
      return;
    case End::kReturned:
      send_failed_.Add(items);
      log::WriteLimited(log::Level::kWarn, "returned " + id_,
                        fmt::format("exporter {}: {}; {} items are left with their senders", id_,
                                    outcome.message, items));
      return;
    case End::kWithdrawn:
      withdrawn_.Add(items);
      return;
  }
}

// The same in the pipelines' books.
void QueuedExporter::Book(const Entry& entry, const Outcome& outcome, End end) {
  std::uint64_t rejected = outcome.rejected_items;
  for (const auto& [lane, items] : entry.lanes) {
    switch (end) {
      case End::kSent: {
        // Which of joined requests' items were rejected nobody knows: the first ones, let us say.
        const std::uint64_t here = std::min(rejected, items);
        rejected -= here;
        lane->Rejected(here);
        lane->Sent(items - here);
        break;
      }
      case End::kFailed:
        lane->Dropped("failed", items);
        break;
      case End::kTooLarge:
        lane->Dropped("too_large", items);
        break;
      case End::kExpired:
        lane->Dropped("expired", items);
        break;
      case End::kShutdown:
        lane->Dropped("shutdown", items);
        break;
      case End::kReturned:
      case End::kWithdrawn:
        lane->Refused(items);
        break;
    }
  }
}

void QueuedExporter::Finish(const EntryPtr& entry, Outcome outcome, End end) {
  const std::uint64_t items = entry->batch.items;
  const bool stays_on_disk = end == End::kShutdown && durable_;
  if (!stays_on_disk) {
    Count(*entry, outcome, end);
    Book(*entry, outcome, end);
  }
  std::vector<std::shared_ptr<OnDisk>> done;
  {
    std::lock_guard lock(mutex_);
    --in_flight_;
    if (entry->on_disk.empty()) held_items_ -= items;
    if (!stays_on_disk) {
      for (const auto& record : entry->on_disk) {
        if (--record->parts == 0) done.push_back(record);
      }
    }
  }
  for (const auto& record : done) durable_->Ack(record->seq, record->items, record->bytes);
  gate_->Release(entry->units);
  // Finally dropped, and counted: there is nothing that the sender could do. It is told what the
  // next hop said, as OTLP's partial success.
  if ((end == End::kFailed || end == End::kTooLarge) && entry->batch.ack.pending()) {
    outcome = {.message = std::move(outcome.message), .rejected_items = items};
  }
  entry->batch.ack.Answer(std::move(outcome));
  entry->batch = {};
  std::lock_guard lock(mutex_);
  UpdateGauges();
  if (draining_) changed_.notify_all();
}

void QueuedExporter::Run(std::stop_token stop) {
  std::uint64_t dispatched = 0;
  if (durable_) Dispatch();  // what an earlier life left
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    if (!closed_ && durable_ && dispatched != stored_) {
      dispatched = stored_;
      lock.unlock();
      Dispatch();
      lock.lock();
      continue;
    }
    if (!closed_ && flush_at_ && now >= *flush_at_) {
      flush_at_.reset();
      lock.unlock();
      Dispatch();
      lock.lock();
      continue;
    }
    if (!closed_ && !retries_due_.empty() && retries_due_.begin()->first <= now) {
      EntryPtr entry = std::move(retries_due_.begin()->second);
      retries_due_.erase(retries_due_.begin());
      ++trying_;
      lock.unlock();
      if (!Try(entry)) {
        Dispatch();
        if (Ready()) slots_.Notify();
      }
      entry.reset();
      lock.lock();
      continue;
    }
    auto due = Time::max();
    if (!closed_ && !retries_due_.empty()) due = retries_due_.begin()->first;
    if (!closed_ && flush_at_) due = std::min(due, *flush_at_);
    const auto woken = [&] {
      const bool retry = !retries_due_.empty() && retries_due_.begin()->first < due;
      return !closed_ &&
             ((durable_ && dispatched != stored_) || (flush_at_ && *flush_at_ < due) || retry);
    };
    if (due == Time::max()) {
      changed_.wait(lock, stop, woken);
    } else {
      changed_.wait_until(lock, stop, due, woken);
    }
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
  }
  if (!durable_) Dispatch();  // what waited for a larger batch
  {
    std::unique_lock lock(mutex_);
    if (durable_) deadline = std::min(deadline, steady_clock::now() + kDurableDrain);
    changed_.wait_until(lock, deadline, [&] { return held_items_ == 0 && in_flight_ == 0; });
    if (durable_) changed_.wait(lock, [&] { return storing_ == 0; });
    closed_ = true;
    items = held_items_;
    left.swap(waiting_);
    waiting_size_ = 0;
    for (auto& [due, entry] : retries_due_) {
      left.push_back(std::move(entry));
      --in_flight_;
    }
    retries_due_.clear();
    for (EntryPtr& entry : left) {
      if (entry->on_disk.empty()) held_items_ -= entry->batch.items;
    }
    UpdateGauges();
    changed_.notify_all();
  }
  gate_->Shut();
  if (items > 0) {
    log::Warn("exporter {}: {} items were not delivered before the end of the shutdown", id_,
              items);
  }
  for (EntryPtr& entry : left) {
    if (!entry->on_disk.empty()) continue;
    // Only what was answered OK is lost; the others' senders are told to keep theirs.
    const bool lost = !entry->batch.ack.pending();
    if (lost) Dropped("shutdown").Add(entry->batch.items);
    Book(*entry, {}, lost ? End::kShutdown : End::kReturned);
    send_failed_.Add(entry->batch.items);
    gate_->Release(entry->units);
    entry->batch.ack.Answer(Outcome::Retry(fmt::format("exporter {} is shutting down", id_)));
  }
  left.clear();
  {
    std::unique_lock lock(mutex_);  // no new attempt begins once closed_ is set
    changed_.wait(lock, [&] { return trying_ == 0; });
  }
  sender_.reset();  // cancels what is under way and answers for it
  if (durable_) {
    durable_->Close();
    const queue::Held held = durable_->held();
    if (held.records > 0) {
      log::Info("exporter {}: {} items stay in the queue on disk", id_, held.items);
    }
  }
  return items;
}

}  // namespace wirespan::gateway
