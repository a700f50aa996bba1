#include "gateway/pipeline/outcome.h"

#include <algorithm>
#include <mutex>

namespace wirespan::gateway {

Outcome Outcome::Retry(std::string message, std::optional<std::chrono::milliseconds> retry_after) {
  return {.code = StatusCode::kUnavailable,
          .retryable = true,
          .message = std::move(message),
          .retry_after = retry_after};
}

Outcome Outcome::Reject(StatusCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

Ack& Ack::operator=(Ack&& other) noexcept {
  if (this == &other) return *this;
  if (callback_) Answer(Outcome::Retry("dropped before it was delivered"));
  callback_ = std::exchange(other.callback_, nullptr);
  return *this;
}

Ack::~Ack() {
  if (callback_) Answer(Outcome::Retry("dropped before it was delivered"));
}

void Ack::Answer(Outcome outcome) {
  if (!callback_) return;
  std::exchange(callback_, nullptr)(std::move(outcome));
}

namespace {

// The worse of two: ok < refused < retry.
int Rank(const Outcome& outcome) { return outcome.ok() ? 0 : outcome.retryable ? 2 : 1; }

struct Join {
  Join(Ack to, std::size_t count, bool are_parts)
      : ack(std::move(to)), parts(are_parts), waiting(count) {}

  void Answer(Outcome outcome) {
    std::unique_lock lock(mutex);
    const std::uint64_t rejected = parts ? worst.rejected_items + outcome.rejected_items
                                         : std::max(worst.rejected_items, outcome.rejected_items);
    const bool in_memory = worst.in_memory || outcome.in_memory;
    if (Rank(outcome) > Rank(worst)) {
      worst = std::move(outcome);
    } else if (Rank(outcome) == Rank(worst) && worst.message.empty()) {
      worst.message = std::move(outcome.message);  // what was rejected, or a warning
    }
    worst.rejected_items = rejected;
    worst.in_memory = in_memory;
    if (--waiting > 0) return;
    lock.unlock();
    ack.Answer(std::move(worst));
  }

  std::mutex mutex;  // guards worst and waiting; the last one to answer owns all
  Ack ack;
  const bool parts;
  Outcome worst{};
  std::size_t waiting;
};

}  // namespace

std::vector<Ack> ForkAck(Ack ack, std::size_t count, Forks forked) {
  std::vector<Ack> forks;
  forks.reserve(count);
  if (count == 1) {
    forks.push_back(std::move(ack));
    return forks;
  }
  if (count == 0) {
    ack.Answer({});
    return forks;
  }
  auto join = std::make_shared<Join>(std::move(ack), count, forked == Forks::kParts);
  for (std::size_t i = 0; i < count; ++i) {
    forks.emplace_back([join](Outcome outcome) { join->Answer(std::move(outcome)); });
  }
  return forks;
}

Ack MergeAcks(std::vector<Ack> acks) {
  if (acks.size() == 1) return std::move(acks.front());
  auto shared = std::make_shared<std::vector<Ack>>(std::move(acks));
  return Ack([shared](Outcome outcome) {
    outcome.rejected_items = 0;
    for (Ack& ack : *shared) ack.Answer(outcome);
  });
}

}  // namespace wirespan::gateway
