#include "gateway/ingest/door.h"

#include <fmt/format.h>

#include <utility>

#include "common/otlp/walk.h"

namespace wirespan::gateway {

namespace {
constexpr std::chrono::milliseconds kOverloadedRetryAfter{5000};

Outcome Withdrawn() {
  Outcome outcome = Outcome::Retry("the sender gave up");
  outcome.code = StatusCode::kCancelled;
  return outcome;
}
}  // namespace

Door::Door(std::string receiver, std::string transport, Pipelines pipelines,
           std::shared_ptr<MemoryBudget> budget, telemetry::Registry& registry)
    : pipelines_(std::move(pipelines)), budget_(std::move(budget)) {
  const telemetry::Labels labels = {{"receiver", receiver}, {"transport", transport}};
  for (const Signal signal : kSignals) {
    if (!Takes(signal)) continue;
    const auto counter = [&](std::string_view what, std::string_view help) {
      return &registry.counter(fmt::format("otelcol_receiver_{}_{}_total", what, ItemsName(signal)),
                               help, labels);
    };
    items_[IndexOf(signal)] = {
        counter("accepted", "Items taken into the pipelines"),
        counter("refused", "Items that the sender was told to send again"),
        counter("failed", "Items refused for good by a pipeline"),
        &registry.counter("wirespan_receiver_dropped_items_total",
                          "Items taken out of a request and reported to its sender as rejected",
                          {{"receiver", receiver},
                           {"transport", transport},
                           {"data_type", std::string(otlp::SignalName(signal))},
                           {"reason", "invalid_id"}}),
        &registry.counter(
            fmt::format("wirespan_receiver_volatile_{}_total", ItemsName(signal)),
            "Accepted items that an exporter with wait_for_result: false held in memory alone",
            labels)};
  }
  const auto outcome = [&](std::string_view value) {
    return &registry.counter(
        "otelcol_receiver_requests_total", "Requests by outcome",
        {{"receiver", receiver}, {"transport", transport}, {"outcome", std::string(value)}});
  };
  requests_ = {outcome("success"), outcome("refused"), outcome("failure")};
}

Outcome Door::Overloaded() {
  return Outcome::Retry("the gateway is at its memory limit", kOverloadedRetryAfter);
}

void Door::CountTurnedAway(const Outcome& outcome) {
  (outcome.retryable ? requests_.refused : requests_.failed)->Add();
}

std::shared_ptr<const void> Door::AdmitReading() {
  return budget_->Promise(usual_bytes_.load(std::memory_order_relaxed));
}

void Door::HasRead(std::size_t bytes) {
  // Two threads may take each other's step back: it is an average either way.
  const std::size_t usual = usual_bytes_.load(std::memory_order_relaxed);
  usual_bytes_.store(usual - usual / 8 + bytes / 8, std::memory_order_relaxed);
}

std::shared_ptr<const void> Door::AdmitBody(std::size_t bytes) { return budget_->Promise(bytes); }

std::shared_ptr<Lease> Door::Admit(std::size_t bytes) {
  auto memory = budget_->Lease(bytes);
  return memory ? std::make_shared<Lease>(std::move(memory)) : nullptr;
}

bool Door::AdmitMore(Lease& lease, std::size_t bytes) {
  auto memory = budget_->Lease(bytes);
  if (!memory) return false;
  lease.Hold(std::move(memory));
  return true;
}

void Door::Enter(Signal signal, Bytes bytes, std::shared_ptr<Lease> lease, Ack::Callback answer,
                 std::shared_ptr<const Metadata> metadata) {
  std::string storage;
  const std::string_view request = bytes.Contiguous(storage);
  otlp::WalkResult walk = otlp::Walk(signal, request, otlp::WalkDepth::kAll);
  if (!walk.ok) {
    Outcome malformed = Outcome::Reject(StatusCode::kInvalidArgument,
                                        "the request is not a well-formed protobuf message");
    CountTurnedAway(malformed);
    answer(std::move(malformed));
    return;
  }
  const Counters& counters = items_[IndexOf(signal)];
  const std::uint64_t invalid = walk.invalid;
  if (invalid > 0) {
    std::string valid;
    otlp::RemoveInvalid(signal, request, valid);
    bytes = Bytes(std::move(valid));
    walk.items -= walk.invalid;
    counters.invalid->Add(invalid);
  }
  const auto told = [invalid](Outcome outcome) {
    if (!outcome.ok() || invalid == 0) return outcome;
    outcome.rejected_items += invalid;
    outcome.message = "trace ids must be 16 bytes, span ids 8, and neither all zeros";
    return outcome;
  };
  // A profile without samples is data all the same.
  if (signal == Signal::kProfiles && walk.items == 0) walk.items = walk.resources;
  if (walk.items == 0) {  // nothing to deliver: no pipeline is troubled with it
    requests_.accepted->Add();
    answer(told({}));
    return;
  }
  if (!lease) lease = std::make_shared<Lease>();
  Batch batch;
  batch.signal = signal;
  batch.items = walk.items;
  batch.bytes = std::move(bytes);
  batch.metadata = std::move(metadata);
  batch.leases.push_back(lease);
  batch.ack = Ack([this, &counters, told, lease = std::move(lease), count = batch.items,
                   answer = std::move(answer)](Outcome outcome) {
    // A sender that is gone has not been told, and may send it all again.
    if (outcome.ok() && !lease->Answer()) outcome = Withdrawn();
    telemetry::Counter* Counters::* which = outcome.ok()        ? &Counters::accepted
                                            : outcome.retryable ? &Counters::refused
                                                                : &Counters::failed;
    (counters.*which)->Add(count);
    (requests_.*which)->Add();
    if (outcome.ok() && outcome.in_memory) counters.in_memory->Add(count);
    answer(told(std::move(outcome)));
  });
  Bring(std::move(batch));
}

void Door::Bring(Batch batch) {
  const std::size_t index = IndexOf(batch.signal);
  const Gates& gates = pipelines_.gates[index];
  Lease& lease = *batch.leases.front();
  Lease::Reserved reserved = lease.Reserve(gates, batch.items, batch.bytes.size());
  switch (reserved.answer.verdict) {
    case Gate::Verdict::kGranted:
      pipelines_.by_signal[index]->Consume(std::move(batch));
      return;
    case Gate::Verdict::kRefused:
      batch.ack.Answer(std::move(reserved.answer.refusal));
      return;
    case Gate::Verdict::kWait:
      break;
  }
  auto waiting = std::make_shared<Batch>(std::move(batch));
  gates[reserved.at]->WhenRoom(reserved.answer.epoch, [this, waiting] {
    if (waiting->leases.front()->withdrawn()) {
      waiting->ack.Answer(Withdrawn());
    } else {
      Bring(std::move(*waiting));
    }
  });
}

}  // namespace wirespan::gateway
