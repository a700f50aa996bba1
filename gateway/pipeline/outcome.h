#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/otlp/status.h"

namespace wirespan::gateway {

using StatusCode = otlp::GrpcCode;

// What became of a batch: somebody else has it now (ok), it may be sent again (retryable), or never
// will be taken.
struct Outcome {
  StatusCode code = StatusCode::kOk;
  bool retryable = false;
  std::string message{};  // one sentence for the sender, no payload
  std::optional<std::chrono::milliseconds> retry_after{};
  std::uint64_t rejected_items =
      0;  // ok, but the next hop took only a part (OTLP's partial success)

  bool in_memory = false;  // ok, but an exporter that was told not to wait holds it in memory alone

  bool ok() const { return code == StatusCode::kOk; }
  static Outcome Retry(std::string message,
                       std::optional<std::chrono::milliseconds> retry_after = std::nullopt);
  static Outcome Reject(StatusCode code, std::string message);
};

// The one answer that a batch owes to whoever brought it. Move-only; answers exactly once, on any
// thread: an Ack that is destroyed unanswered says "retry", so that nothing is ever lost behind an
// OK that nobody gave.
class Ack {
 public:
  using Callback = std::function<void(Outcome)>;

  Ack() = default;
  explicit Ack(Callback callback) : callback_(std::move(callback)) {}
  Ack(Ack&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
  Ack& operator=(Ack&& other) noexcept;
  ~Ack();

  void Answer(Outcome outcome);
  bool pending() const { return callback_ != nullptr; }

 private:
  Callback callback_{};
};

// `count` acks whose joint outcome answers `ack`: ok when all are ok. If one hop refused for good
// and another can be tried again, the answer is "retry": a duplicate at one is better than a loss
// at the other. What was rejected of parts adds up; of copies it is the most that anybody rejected.
enum class Forks : std::uint8_t { kCopies, kParts };
std::vector<Ack> ForkAck(Ack ack, std::size_t count, Forks forked = Forks::kCopies);

// One ack that answers all of `acks` alike. Rejected items can't be told apart after joining and
// are not passed back, but for what was said of them.
Ack MergeAcks(std::vector<Ack> acks);

}  // namespace wirespan::gateway
