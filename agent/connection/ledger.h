#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/telemetry/metrics.h"

// The counters of this stage; docs/ledger.md ("connection") says which sums hold.
namespace wirespan::connection {

enum class DataFate : std::uint8_t { kConsumed, kDuplicate, kEmpty, kIgnored, kDiscarded };
enum class Message : std::uint8_t { kRequest, kResponse, kInterim };
// Why an exchange whose request was seen is not reported.
enum class ExchangeDrop : std::uint8_t {
  kResponseLost,  // the head of a response was in a gap: it and those after it can't be told apart
  kResponseInvalid,  // bytes that are no head where one should be
  kFramingLost,      // the end of a response is unknown while others wait behind it
  kDesynchronized,   // a request seen before the connection was quiet again
  kPipelineFull,
  kUpgraded,  // pipelined behind an accepted upgrade
  kTableFull,
  kIdle,
  kShutdown,
};
// Why a response is not part of an exchange.
enum class ResponseDrop : std::uint8_t { kLateJoin, kNoRequest, kDesynchronized };
enum class HeadLoss : std::uint8_t { kRequest, kResponse };
enum class ConnectionEnd : std::uint8_t { kGone, kProcessExit, kIdle, kTableFull, kShutdown };

class Ledger {
 public:
  explicit Ledger(telemetry::Registry& registry);

  void Event(std::size_t kind) { events_[kind]->Add(); }  // index in the Event variant
  void Data(DataFate fate, std::uint64_t n = 1) { data_[Index(fate)]->Add(n); }
  void Saw(Message message) { messages_[Index(message)]->Add(); }
  void Opened() { opened_->Add(); }
  void Reported() { reported_->Add(); }
  void Dropped(ExchangeDrop reason) { dropped_[Index(reason)]->Add(); }
  void Paired() { paired_->Add(); }
  void Dropped(ResponseDrop reason) { responses_dropped_[Index(reason)]->Add(); }
  void Lost(HeadLoss direction) { heads_lost_[Index(direction)]->Add(); }
  void GapDeclared() { gaps_->Add(); }
  void HoldFull() { hold_full_->Add(); }
  void ConnectionOpened() { connections_opened_->Add(); }
  void Ended(ConnectionEnd reason) { connections_ended_[Index(reason)]->Add(); }
  void PidOverflow() { pid_overflow_->Add(); }

 private:
  template <class E>
  static std::size_t Index(E value) {
    return static_cast<std::size_t>(value);
  }
  using Counter = telemetry::Counter*;

  std::array<Counter, 6> events_{};
  std::array<Counter, 5> data_{};
  std::array<Counter, 3> messages_{};
  Counter opened_{};
  Counter reported_{};
  std::array<Counter, 9> dropped_{};
  Counter paired_{};
  std::array<Counter, 3> responses_dropped_{};
  std::array<Counter, 2> heads_lost_{};
  Counter gaps_{};
  Counter hold_full_{};
  Counter connections_opened_{};
  std::array<Counter, 5> connections_ended_{};
  Counter pid_overflow_{};
};

}  // namespace wirespan::connection
