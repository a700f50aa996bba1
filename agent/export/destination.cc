#include "agent/export/destination.h"

#include <algorithm>
#include <utility>

#include "common/otlp/walk.h"
#include "common/telemetry/log.h"

namespace wirespan::exporting {
namespace {

using std::chrono::milliseconds;

// The clock is an interface and may stand still or jump, so a wait for a moment looks at it again
// this often.
constexpr milliseconds kTimerGrain(50);

std::uint64_t Nanoseconds(milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count()) * 1'000'000;
}

}  // namespace

Destination::Destination(otlp::Signal signal, const ExporterOptions& options, const Clock& clock,
                         std::unique_ptr<Transport> transport, SignalMetrics& metrics)
    : signal_(signal),
      name_(transport->name()),
      max_request_bytes_(options.max_request_bytes),
      clock_(clock),
      metrics_(metrics),
      queue_(options.queue_bytes),
      transport_(std::move(transport)) {
  const retry::BackoffOptions backoff{options.initial_backoff, options.max_backoff,
                                      options.max_elapsed};
  const int slots = std::max(1, options.concurrent_requests);
  slots_.reserve(static_cast<std::size_t>(slots));
  for (int i = 0; i < slots; ++i) {
    const std::uint64_t seed =
        clock.realtime_ns() + clock.monotonic_ns() * 31 + static_cast<std::uint64_t>(i) * 7919;
    slots_.push_back(Slot{Slot::State::kFree, {}, 0, {}, retry::Backoff(backoff, seed), 0, 0});
  }
  metrics_.queue_capacity_bytes.Set(static_cast<double>(options.queue_bytes));
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

Destination::~Destination() {
  thread_.request_stop();
  thread_.join();
  transport_.reset();  // reports what it cancels, into reports_
  const std::lock_guard lock(mutex_);
  // What was acknowledged in the last moment counts as that.
  for (const Report& report : std::exchange(reports_, {})) {
    Slot& slot = slots_[report.slot];
    if (report.outcome.kind != Outcome::Kind::kRetry)
      Handle(slot, report.outcome, clock_.monotonic_ns());
  }
  for (Slot& slot : slots_) {
    if (slot.state == Slot::State::kFree) continue;
    metrics_.Drop("shutdown", slot.batch.items);
    Free(slot);
  }
  while (auto next = queue_.Pop()) {
    metrics_.Drop("shutdown", next->first.items);
    queued_items_ -= next->first.items;
    queue_.Release(next->second);
  }
  UpdateGauges();
}

void Destination::Enqueue(Batch batch) {
  if (batch.items == 0) return;
  metrics_.encoded_bytes.Add(batch.request.size());
  if (batch.request.size() <= max_request_bytes_) {
    Push(std::move(batch));
    return;
  }
  for (otlp::Part& part : otlp::Split(signal_, batch.request, batch.items, max_request_bytes_)) {
    if (part.bytes.size() > max_request_bytes_) {
      metrics_.Drop("too_large", part.items);
    } else {
      Push({std::move(part.bytes), part.items});
    }
  }
}

void Destination::Push(Batch batch) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = batch.request.size();
    queued_items_ += batch.items;
    for (const Batch& old : queue_.Push(std::move(batch), bytes)) {
      metrics_.Drop("queue_full", old.items);
      queued_items_ -= old.items;
    }
    UpdateGauges();
  }
  wake_.notify_all();
}

void Destination::Shed(std::size_t keep_bytes) {
  const std::lock_guard lock(mutex_);
  for (const Batch& old : queue_.Shed(keep_bytes)) {
    metrics_.Drop("memory", old.items);
    queued_items_ -= old.items;
  }
  UpdateGauges();
}

bool Destination::WaitUntilEmpty(milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, deadline, [this] { return Empty(); });
}

bool Destination::Empty() const {
  return queue_.waiting() == 0 && std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
           return slot.state == Slot::State::kFree;
         });
}

void Destination::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const std::uint64_t now_ns = clock_.monotonic_ns();
    TakeReports(now_ns);
    if (Slot* slot = NextReady(now_ns)) {
      Start(*slot, lock);
      continue;
    }
    if (Empty()) empty_.notify_all();
    // A slot is free and nothing waits, or all are busy: apart from time only news can change that.
    const bool can_take =
        now_ns >= held_until_ns_ && std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
          return slot.state == Slot::State::kFree;
        });
    const auto news = [&] { return !reports_.empty() || (can_take && queue_.waiting() > 0); };
    if (const auto due_ns = NextDue()) {
      const milliseconds left((*due_ns - std::min(*due_ns, now_ns)) / 1'000'000 + 1);
      wake_.wait_for(lock, stop, std::min(left, kTimerGrain), news);
    } else {
      wake_.wait(lock, stop, news);
    }
  }
}

void Destination::TakeReports(std::uint64_t now_ns) {
  for (const Report& report : std::exchange(reports_, {})) {
    Slot& slot = slots_[report.slot];
    const std::uint64_t took_ns = now_ns - std::min(now_ns, slot.started_ns);
    metrics_.duration_seconds.Observe(static_cast<double>(took_ns) * 1e-9);
    Handle(slot, report.outcome, now_ns);
  }
}

void Destination::Handle(Slot& slot, const Outcome& outcome, std::uint64_t now_ns) {
  metrics_.Request(outcome.code);
  const std::string_view signal = otlp::SignalName(signal_);
  switch (outcome.kind) {
    case Outcome::Kind::kAccepted: {
      const auto said =
          static_cast<std::uint64_t>(std::max<std::int64_t>(outcome.partial.rejected, 0));
      const std::size_t rejected = std::min<std::uint64_t>(said, slot.batch.items);
      metrics_.acknowledged.Add(slot.batch.items - rejected);
      metrics_.rejected.Add(rejected);
      if (outcome.partial.populated()) {
        log::WriteLimited(log::Level::kWarn, "export-partial-" + std::string(signal),
                          fmt::format("exporter: {} ({}) rejected {} of {}: {}", name_, signal,
                                      rejected, slot.batch.items,
                                      std::string_view(outcome.partial.message).substr(0, 200)));
      } else if (!outcome.message.empty()) {
        log::WriteLimited(log::Level::kWarn, "export-odd-" + std::string(signal),
                          fmt::format("exporter: {} ({}): {}", name_, signal, outcome.message));
      }
      if (std::exchange(failing_, false)) {
        log::WriteLimited(log::Level::kInfo, "export-again-" + std::string(signal),
                          fmt::format("exporter: {} ({}) takes data again", name_, signal));
      }
      Free(slot);
      return;
    }
    case Outcome::Kind::kRefused:
      metrics_.Drop("refused", slot.batch.items);
      log::WriteLimited(log::Level::kWarn, "export-refused-" + std::string(signal),
                        fmt::format("exporter: {} ({}) refused {} items, dropped: {} {}", name_,
                                    signal, slot.batch.items, outcome.code, outcome.message));
      Free(slot);
      return;
    case Outcome::Kind::kRetry:
      Retry(slot, outcome, now_ns);
      return;
  }
}

void Destination::Retry(Slot& slot, const Outcome& outcome, std::uint64_t now_ns) {
  const std::string_view signal = otlp::SignalName(signal_);
  const milliseconds asked = outcome.retry_after.value_or(milliseconds(0));
  const milliseconds delay = slot.backoff.Next(now_ns, asked);
  failing_ = true;
  if (delay.count() < 0) {
    metrics_.Drop("retries_exhausted", slot.batch.items);
    log::WriteLimited(log::Level::kWarn, "export-exhausted-" + std::string(signal),
                      fmt::format("exporter: {} ({}) did not take {} items in time, dropped: {} {}",
                                  name_, signal, slot.batch.items, outcome.code, outcome.message));
    Free(slot);
  } else {
    metrics_.retries.Add();
    log::WriteLimited(
        log::Level::kWarn, "export-retry-" + std::string(signal),
        fmt::format("exporter: {} ({}): {}: {}, retrying in {:.1f} s", name_, signal, outcome.code,
                    outcome.message, static_cast<double>(delay.count()) / 1000));
    slot.state = Slot::State::kWaiting;
    slot.due_ns = now_ns + Nanoseconds(delay);
  }
  if (outcome.retry_after) held_until_ns_ = std::max(held_until_ns_, now_ns + Nanoseconds(asked));
}

void Destination::Free(Slot& slot) {
  in_flight_items_ -= slot.batch.items;
  queue_.Release(slot.queue_bytes);
  slot.batch = {};
  slot.body.reset();
  slot.backoff.Reset();
  slot.state = Slot::State::kFree;
  UpdateGauges();
}

Destination::Slot* Destination::NextReady(std::uint64_t now_ns) {
  if (now_ns < held_until_ns_) return nullptr;
  for (Slot& slot : slots_) {
    if (slot.state == Slot::State::kWaiting && slot.due_ns <= now_ns) return &slot;
  }
  for (Slot& slot : slots_) {
    if (slot.state != Slot::State::kFree) continue;
    auto next = queue_.Pop();
    if (!next) return nullptr;
    slot.batch = std::move(next->first);
    slot.queue_bytes = next->second;
    slot.state = Slot::State::kReady;
    queued_items_ -= slot.batch.items;
    in_flight_items_ += slot.batch.items;
    UpdateGauges();
    return &slot;
  }
  return nullptr;
}

// Leaves the lock while it works: a slot that is kSending belongs to this thread until its report
// comes.
void Destination::Start(Slot& slot, std::unique_lock<std::mutex>& lock) {
  slot.state = Slot::State::kSending;
  lock.unlock();
  if (slot.body == nullptr) {
    const otlp::Encoding encoding = transport_->encoding();
    std::string body;
    if (encoding == otlp::Encoding::kIdentity) {
      body = std::move(slot.batch.request);
    } else {
      compressor_.Compress(encoding, slot.batch.request, body);
      body.shrink_to_fit();
    }
    slot.batch.request = {};
    slot.body = std::make_shared<const std::string>(std::move(body));
  }
  metrics_.sent_bytes.Add(slot.body->size());
  slot.started_ns = clock_.monotonic_ns();
  const auto index = static_cast<std::size_t>(&slot - slots_.data());
  transport_->Send(slot.body, [this, index](Outcome outcome) {
    {
      const std::lock_guard report_lock(mutex_);
      reports_.push_back({index, std::move(outcome)});
    }
    wake_.notify_all();
  });
  lock.lock();
}

std::optional<std::uint64_t> Destination::NextDue() const {
  std::optional<std::uint64_t> due_ns;
  for (const Slot& slot : slots_) {
    if (slot.state == Slot::State::kWaiting)
      due_ns = std::min(due_ns.value_or(slot.due_ns), slot.due_ns);
    if (slot.state == Slot::State::kFree && queue_.waiting() > 0) due_ns = held_until_ns_;
  }
  if (due_ns) due_ns = std::max(*due_ns, held_until_ns_);
  return due_ns;
}

void Destination::UpdateGauges() {
  metrics_.queue_bytes.Set(static_cast<double>(queue_.held_bytes()));
  metrics_.queue_batches.Set(static_cast<double>(queue_.waiting()));
  metrics_.held_queue.Set(static_cast<double>(queued_items_));
  metrics_.held_in_flight.Set(static_cast<double>(in_flight_items_));
}

}  // namespace wirespan::exporting
