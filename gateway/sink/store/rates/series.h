#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>

#include "gateway/sink/store/rates/durations.h"

namespace wirespan::gateway::store::rates {

// Written to disk: never change a number.
enum class SeriesType : std::uint8_t {
  kOperation = 1,
  kEdge = 2,
  kPeer = 3,
  kPeerAnswer = 4,
  kPeerName = 5,
};
inline constexpr std::uint64_t kLastSeriesType = 5;

// What is counted apart. An operation is a service's spans of one name and kind; an edge the spans
// of one service whose parent is another service's span. The other three are of a service's calls
// as it made them itself, by the address that it called: all of them, those whose other end was
// found (and whose service that was), and those that know a name for the address. See edges.h.
struct SeriesKey {
  SeriesType type = SeriesType::kOperation;
  std::string service{};   // whose operation it is, or the caller's
  std::string name{};      // the operation; the service that was called; the address, and with
                           // kPeerAnswer and kPeerName a zero byte and the service or name
  std::uint64_t kind = 0;  // of an operation: OTLP's numbers, 0 for those that it has not
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

inline constexpr std::size_t kMaxNameBytes = 256;  // longer names are cut
inline constexpr std::uint64_t kMaxKind = 5;
// Stands for names that there was no room for.
inline constexpr const char* kOther = "(other)";

// A stretch of time by the starts of spans, in seconds since 1970; `start` is a multiple of
// `width`.
struct CellTime {
  std::uint64_t start_s = 0;
  std::uint32_t width_s = 0;
  friend auto operator<=>(const CellTime&, const CellTime&) = default;
};

inline constexpr std::uint32_t kFineS = 10;
inline constexpr std::uint32_t kMiddleS = 60;   // after an hour
inline constexpr std::uint32_t kCoarseS = 600;  // after a day
inline constexpr std::uint32_t kWindowS = 600;  // no cell crosses a multiple of it
inline constexpr std::uint64_t kNsPerS = 1'000'000'000;

inline CellTime FineCell(std::uint64_t start_ns) {
  const std::uint64_t start_s = start_ns / kNsPerS;
  return {start_s - start_s % kFineS, kFineS};
}

// The cell that this one goes into by now. A window grows as a whole, when its end is old enough:
// so the last hour and the last day are fine from their first second on.
inline CellTime RollUp(CellTime time, std::uint64_t now_s) {
  const std::uint64_t end_s = time.start_s - time.start_s % kWindowS + kWindowS;
  const std::uint64_t age_s = now_s - std::min(now_s, end_s);
  const std::uint32_t width_s = age_s >= 24 * 3600 ? kCoarseS : age_s >= 3600 ? kMiddleS : kFineS;
  if (width_s <= time.width_s) return time;
  return {time.start_s - time.start_s % width_s, width_s};
}

struct Cell {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t sum_ns = 0;  // of durations
  // Of `count`: known by an agent's metrics alone, no span was needed for them. Their durations are
  // right to the metric's bucket.
  std::uint64_t from_metrics = 0;
  Durations durations{};

  void Add(std::uint64_t duration_ns, bool error) {
    ++count;
    errors += error ? 1 : 0;
    sum_ns += duration_ns;
    durations.Add(Durations::BucketOf(duration_ns));
  }
  void Merge(const Cell& other) {
    count += other.count;
    errors += other.errors;
    sum_ns += other.sum_ns;
    from_metrics += other.from_metrics;
    durations.Merge(other.durations);
  }
  friend bool operator==(const Cell&, const Cell&) = default;
};

}  // namespace wirespan::gateway::store::rates
