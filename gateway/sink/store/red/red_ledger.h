#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/flat_map.h"
#include "gateway/sink/store/rates/durations.h"
#include "gateway/sink/store/red/red_points.h"

namespace wirespan::gateway::store::red {

// A span of an agent, as far as it takes to know which metric has counted its exchange.
struct RedSpan {
  std::string_view instance{};  // service.instance.id
  std::string_view service{};   // where it has none
  RedKind kind = RedKind::kHttpServer;
  std::string_view operation{};  // by its attributes: names may be edited on the way
  bool error = false;            // likewise
  std::string_view peer{};       // of a client, as PeerText
  std::uint64_t end_ns = 0;
  std::uint64_t duration_ns = 0;
};

// Exchanges that a metric counted and no span did.
struct Residual {
  std::string_view service{};
  RedKind kind = RedKind::kHttpServer;
  std::string_view operation{};
  bool error = false;
  std::string_view peer{};
  std::uint64_t from_ns = 0;  // they ended in (from, to]
  std::uint64_t to_ns = 0;
  rates::Durations durations{};  // as far as they are known
};

// Keeps every exchange from being counted twice: once by its span, once by the metric of the agent
// that sent both. For each metric of a service instance (a family) it knows up to which time that
// metric has been told, T, and for each group of exchanges that span and metric tell apart alike
// (operation, failed or not, what was called, bucket) how many spans were counted which the metric
// has not told of yet:
//
//   a span that ended after T     counts; one more is unconfirmed
//   a span that ended before T    does not: the metric has counted it
//   the metric grew by x          min(x, unconfirmed) are confirmed, the rest counts as Residual
//
// So what is counted is what the metric says, as soon as it says it, and until then what spans say.
// An exchange that ended before T but was recorded after it (they end in the kernel and are
// recorded some ms later) is confirmed by the next point, in any order of arrival.
//
// Where no metric comes, T stays 0 and every span counts. Spans of instrumented processes are not
// asked about, nor are metrics of those taken.
//
// Bounded: families, groups, streams; what has not been heard of for a day is forgotten. Durable by
// its changes, which its owner writes where they are safe. Not thread-safe.
class RedLedger {
 public:
  struct Limits {
    std::size_t families = 16384;
    std::size_t groups = 65536;
    std::size_t streams = 65536;
  };
  struct Counts {
    std::uint64_t taken = 0;      // points that were counted
    std::uint64_t late = 0;       // told of already: delivered twice, or an older one
    std::uint64_t before = 0;     // first points of streams older than the ledger: where it begins
    std::uint64_t future = 0;     // of a time more than an hour ahead
    std::uint64_t full = 0;       // no room for their stream
    std::uint64_t confirmed = 0;  // spans not counted: their metric had them
  };

  RedLedger() = default;
  explicit RedLedger(Limits limits) : limits_(limits) {}

  // Once, before all else. What was begun by an earlier life stays.
  void Begin(std::uint64_t now_ns);
  // Whether it is to be counted.
  bool CountSpan(const RedSpan& span, std::uint64_t received_ns);
  void Take(const std::vector<RedFamily>& families, std::uint64_t received_ns,
            const std::function<void(const Residual& residual)>& visit);

  // All that changed since the last call; empty if nothing did. Load in the same order leads to the
  // same state.
  std::string TakeChanges();
  bool Load(std::string_view changes);  // false: malformed, what was read of it is kept
  // Of several the one that does as much, without what is old.
  static std::string Merge(std::span<const std::string> changes, std::uint64_t now_ns);

  const Counts& counts() const { return counts_; }
  void ClearCounts() { counts_ = {}; }
  std::size_t bytes() const;  // (about) of memory

 private:
  // Keys are hashes of names.
  struct Family {
    std::uint64_t told_ns = 0;  // T
    std::uint64_t heard_ns = 0;
    std::vector<double> bounds{};
    bool exponential = false;
    bool changed = false;
  };
  struct Group {
    std::uint64_t family = 0;
    std::uint64_t heard_ns = 0;
    BucketCounts unconfirmed{};  // of exponential histograms all in bucket 0
    bool changed = false;
    rates::Durations spans{};  // the latest: how durations lie in a wide bucket. Not durable
  };
  struct Stream {
    std::uint64_t start_ns = 0;
    std::uint64_t time_ns = 0;
    std::uint64_t heard_ns = 0;
    BucketCounts counts{};
    bool changed = false;
  };
  // What a point adds.
  struct Growth {
    enum class Kind : std::uint8_t { kNone, kBegins, kGrows };
    Kind kind = Kind::kNone;  // kBegins: what it has counted is not ours to count
    std::uint64_t from_ns = 0;
    BucketCounts counted{};
  };

  Family* FamilyFor(std::uint64_t key, std::uint64_t now_ns);
  Group* GroupFor(std::uint64_t key, std::uint64_t family, std::uint64_t now_ns);
  void TakeFamily(const RedFamily& family, std::uint64_t received_ns,
                  const std::function<void(const Residual& residual)>& visit);
  Growth Grow(std::uint64_t family, const RedPoint& point, std::uint64_t received_ns);
  void Rebase(std::uint64_t key, Family& known, const RedFamily& said);
  // Confirms spans of any of the family's groups: an overflow series says of no exchange whose.
  void ConfirmAny(std::uint64_t family, bool exponential, BucketCounts& counted);
  void Forget(std::uint64_t before_ns);
  std::string Encode(bool all);

  Limits limits_{};
  std::uint64_t since_ns_ = 0;  // streams that began earlier begin with their first point
  bool since_changed_ = false;
  std::uint64_t swept_ns_ = 0;
  FlatMap<std::uint64_t, Family> families_{};
  FlatMap<std::uint64_t, Group> groups_{};
  FlatMap<std::uint64_t, Stream> streams_{};
  Counts counts_{};
};

// Where durations of a histogram's bucket (lower, upper] ns lie, so many: as those of `like` do, or
// evenly if none of them is in there.
void Distribute(std::uint64_t lower_ns, std::uint64_t upper_ns, std::uint64_t count,
                const rates::Durations& like, rates::Durations& into);

}  // namespace wirespan::gateway::store::red
