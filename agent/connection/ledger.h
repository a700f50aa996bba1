#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/telemetry/metrics.h"

// The counters of this stage; docs/ledger.md ("connection") says which sums hold.
namespace wirespan::connection {

enum class DataFate : std::uint8_t { kConsumed, kDuplicate, kEmpty, kIgnored, kDiscarded, kMemory };
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
  kMemory,
};
// Why a response is not part of an exchange.
enum class ResponseDrop : std::uint8_t {
  kLateJoin,
  kNoRequest,
  kDesynchronized,
  kStreamEnded,  // HTTP/2: its stream was given up, or is not followed
};
enum class HeadLoss : std::uint8_t { kRequest, kResponse };
enum class ConnectionEnd : std::uint8_t {
  kGone,
  kProcessExit,
  kIdle,
  kTableFull,
  kShutdown,
  kMemory
};

// Counts in plain numbers, which Publish() adds to the registry all at once: cheap, and a scrape
// never sees half an exchange. One thread.
class Ledger {
 public:
  explicit Ledger(telemetry::Registry& registry);
  ~Ledger() { Publish(); }
  Ledger(const Ledger&) = delete;

  void Event(std::size_t kind) { ++events_[kind]; }  // index in the Event variant
  void Data(DataFate fate, std::uint64_t n = 1) { data_[Index(fate)] += n; }
  void Saw(Message message) { ++messages_[Index(message)]; }
  void Opened() { ++opened_[0]; }
  void Reported() { ++reported_[0]; }
  void Dropped(ExchangeDrop reason) { ++dropped_[Index(reason)]; }
  void Paired() { ++paired_[0]; }
  void Dropped(ResponseDrop reason) { ++responses_dropped_[Index(reason)]; }
  void Lost(HeadLoss direction) { ++heads_lost_[Index(direction)]; }
  void GapDeclared() { ++gaps_[0]; }
  void HoldFull() { ++hold_full_[0]; }
  void ConnectionOpened() { ++connections_opened_[0]; }
  void ConnectionRefused() { ++connections_refused_[0]; }
  void Ended(ConnectionEnd reason) { ++connections_ended_[Index(reason)]; }
  // HTTP/2; no part of a sum.
  void StreamsUnseen(std::uint64_t n) { streams_unseen_[0] += n; }
  void HeaderListCut() { header_lists_cut_[0] += 1; }
  void Pushed() { ++pushed_[0]; }
  void GuessedWrong() { ++wrong_guesses_[0]; }
  void PidOverflow() { ++pid_overflow_[0]; }

  void Publish();

 private:
  template <class E>
  static std::size_t Index(E value) {
    return static_cast<std::size_t>(value);
  }
  // Numbers since the last Publish, one for each value of a label.
  template <std::size_t N>
  struct Family {
    std::array<std::uint64_t, N> fresh{};
    std::array<telemetry::Counter*, N> counters{};
    std::uint64_t& operator[](std::size_t i) { return fresh[i]; }
  };
  template <class Visit>
  void ForEach(Visit visit);

  Family<6> events_{};
  Family<6> data_{};
  Family<3> messages_{};
  Family<1> opened_{};
  Family<1> reported_{};
  Family<10> dropped_{};
  Family<1> paired_{};
  Family<4> responses_dropped_{};
  Family<2> heads_lost_{};
  Family<1> gaps_{};
  Family<1> hold_full_{};
  Family<1> connections_opened_{};
  Family<1> connections_refused_{};
  Family<6> connections_ended_{};
  Family<1> streams_unseen_{};
  Family<1> header_lists_cut_{};
  Family<1> pushed_{};
  Family<1> wrong_guesses_{};
  Family<1> pid_overflow_{};
};

}  // namespace wirespan::connection
