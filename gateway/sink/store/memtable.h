#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/flat_map.h"
#include "common/base/hash.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/rates/peer_book.h"
#include "gateway/sink/store/rates/rate_table.h"
#include "gateway/sink/store/rates/recent_spans.h"
#include "gateway/sink/store/red/red_ledger.h"
#include "gateway/sink/store/span_row.h"

namespace wirespan::gateway::store {

// What counts in a table's rates.
struct RateLimits {
  std::size_t max_series = 4096;
  // Of a span's start before it was received; 0: any. Starts that lie more than an hour ahead of it
  // do not count either.
  std::uint64_t max_age_ns = 0;
};

// The spans that are on disk in a log and not in a block yet, and their rates. Grows; one writer,
// and readers that the owner keeps apart from it.
class Memtable {
 public:
  explicit Memtable(std::uint64_t number, RateLimits limits = {})
      : number_(number),
        limits_(limits),
        rates_(limits.max_series),
        peers_(limits.max_series / 4) {}

  struct Inserted {
    std::uint64_t spans = 0;
    std::uint64_t duplicates = 0;  // came already: same trace, span id and kind
    std::vector<std::pair<std::string, Operation>> names{};  // service and operation, new here
  };
  // Without those that are here or among the recent ones, if given. `ledger` says which count in
  // rates; all without one.
  Inserted Insert(SpanRows&& read, std::uint64_t received_ns,
                  const rates::RecentSpans* recent = nullptr, red::RedLedger* ledger = nullptr);
  // Into the rates: exchanges that no span told of.
  void Add(const red::Residual& residual, std::uint64_t received_ns);
  // What else is in the log came in; nothing of it is a row.
  void Note(std::uint64_t received_ns);
  // Of the rows from `first` on, which have just come: adds them to the recent ones, and to the
  // rates the calls that they make whole.
  void JoinCalls(std::size_t first, std::uint64_t received_ns, rates::RecentSpans& recent);

  std::uint64_t number() const { return number_; }  // of the log, and of the block that it becomes
  const std::vector<SpanRow>& rows() const { return rows_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<Term>& terms() const { return terms_; }
  const Names& names() const { return names_; }
  const rates::RateTable& rates() const { return rates_; }
  // What the ledger says of the time of this table, once that is over.
  const std::string& notes() const { return notes_; }
  void SetNotes(std::string notes) { notes_ = std::move(notes); }
  std::uint64_t peers_other() const { return peers_.other(); }
  std::uint64_t out_of_time() const { return out_of_time_; }  // spans and calls not in rates
  std::size_t bytes() const;                                  // (about) of memory
  std::uint64_t first_received_ns() const { return first_received_ns_; }  // 0: empty
  std::uint64_t last_received_ns() const { return last_received_ns_; }
  std::uint64_t min_start_ns() const { return min_start_ns_; }  // all ones: empty

  Edges CountEdges() const;

 private:
  // A service's operation; the view points into texts_.
  struct NameKey {
    std::uint64_t service_hash = 0;
    std::uint64_t kind = 0;
    std::string_view name{};
    friend bool operator==(const NameKey&, const NameKey&) = default;
    template <class H>
    friend H AbslHashValue(H state, const NameKey& key) {
      return H::combine(std::move(state), key.service_hash, key.kind, Hash64(key.name));
    }
  };
  std::uint32_t GroupFor(Group&& group);
  bool InTime(std::uint64_t start_ns, std::uint64_t received_ns);
  // What a client called: as it stands on the span, and as rates count it.
  struct Peer {
    std::string text{};  // empty: not known
    std::string_view counted_as{};
    rates::RateTable::SeriesId series = 0;
  };
  // The series of a call: empty ones stand for none.
  struct CallSeries {
    std::optional<rates::RateTable::SeriesId> edge{};
    std::optional<rates::RateTable::SeriesId> answer{};
  };
  CallSeries SeriesOf(const rates::Call& call);
  Peer& PeerOf(const SpanFacts& facts, const Group& group);
  bool Counts(const SpanRow& row, const SpanFacts& facts, const Group& group, const Peer& peer,
              std::uint64_t received_ns, red::RedLedger* ledger) const;
  void AddPeer(const SpanRow& row, const SpanFacts& facts, const Group& group, const Peer& peer,
               bool counts);

  const std::uint64_t number_;
  const RateLimits limits_;
  std::vector<std::shared_ptr<const std::string>> texts_{};
  std::vector<SpanRow> rows_{};
  std::vector<Group> groups_{};
  std::vector<Term> terms_{};
  FlatMap<std::uint64_t, std::uint32_t> group_numbers_{};  // by the hash of their heads
  FlatSet<SpanKey> keys_{};
  FlatMap<NameKey, rates::RateTable::SeriesId> series_{};
  rates::RateTable rates_;
  rates::PeerBook peers_;
  // Those with a series of their own, by service and address; no more than peers_ lets have one.
  FlatMap<std::uint64_t, std::unique_ptr<Peer>> known_peers_{};
  FlatMap<std::uint64_t, CallSeries> calls_{};  // at most as many as there are series
  Peer other_peer_{};                           // another one, until the next span
  std::vector<std::string_view> new_peers_{};   // of the rows that the last Insert added
  std::string notes_{};
  std::uint64_t out_of_time_ = 0;
  Names names_{};
  std::size_t text_bytes_ = 0;
  std::size_t group_bytes_ = 0;
  std::uint64_t first_received_ns_ = 0;
  std::uint64_t last_received_ns_ = 0;
  std::uint64_t min_start_ns_ = ~std::uint64_t{0};
};

}  // namespace wirespan::gateway::store
