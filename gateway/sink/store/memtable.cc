#include "gateway/sink/store/memtable.h"

#include <algorithm>
#include <span>
#include <utility>

#include "gateway/sink/store/rates/edges.h"
#include "gateway/sink/store/rates/share.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::uint64_t kNsPerMinute = 60'000'000'000;
constexpr std::uint64_t kNsPerHour = 60 * kNsPerMinute;
// The window of 1970 is no window: files of rates have something else in its place.
constexpr std::uint64_t kFirstNs = rates::kWindowS * rates::kNsPerS;

}  // namespace

std::uint32_t Memtable::GroupFor(Group&& group) {
  const std::string_view heads[] = {group.resource_head, std::string_view("\0", 1),
                                    group.scope_head};
  const std::uint64_t hash = Hash64(std::span<const std::string_view>(heads));
  const auto number = static_cast<std::uint32_t>(groups_.size());
  const auto [found, added] = group_numbers_.try_emplace(hash, number);
  if (!added) {
    const Group& known = groups_[found->second];
    if (known.resource_head == group.resource_head && known.scope_head == group.scope_head) {
      return found->second;
    }
  }
  group_bytes_ += group.bytes();
  groups_.push_back(std::move(group));
  return number;
}

Memtable::Inserted Memtable::Insert(SpanRows&& read, std::uint64_t received_ns,
                                    const rates::RecentSpans* recent, red::RedLedger* ledger) {
  Inserted inserted;
  std::vector<std::uint32_t> numbers;
  for (Group& group : read.groups) numbers.push_back(GroupFor(std::move(group)));
  new_peers_.clear();
  for (std::size_t i = 0; i < read.rows.size(); ++i) {
    SpanRow& row = read.rows[i];
    if (!keys_.insert(row.key).second || (recent != nullptr && recent->Holds(row.key))) {
      ++inserted.duplicates;
      continue;
    }
    ++inserted.spans;
    const auto from = read.terms.begin() + row.terms_at;
    row.terms_at = static_cast<std::uint32_t>(terms_.size());
    terms_.insert(terms_.end(), from, from + row.terms);
    row.group = numbers[row.group];
    rows_.push_back(row);
    min_start_ns_ = std::min(min_start_ns_, row.start_ns);
    const Group& group = groups_[row.group];
    const auto [series, added] =
        series_.try_emplace({group.service_hash, row.key.kind, row.name}, 0);
    if (added) {
      series->second =
          rates_.For(rates::SeriesType::kOperation, group.service, row.name, row.key.kind);
    }
    const SpanFacts& facts = read.facts[i];
    const Peer& peer = PeerOf(facts, group);
    const bool counts = Counts(row, facts, group, peer, received_ns, ledger);
    new_peers_.push_back(peer.counted_as);
    if (InTime(row.start_ns, received_ns)) {
      AddPeer(row, facts, group, peer, counts);
      if (counts) {
        rates_.Add(series->second, rates::FineCell(row.start_ns), row.duration_ns, row.error);
      }
    }
    if (!added) continue;
    const Operation operation{std::string(row.name), row.key.kind};
    names_[group.service].insert(operation);
    inserted.names.emplace_back(group.service, operation);
  }
  if (inserted.spans == 0) return inserted;
  text_bytes_ += read.text->size();
  texts_.push_back(std::move(read.text));
  Note(received_ns);
  return inserted;
}

void Memtable::Note(std::uint64_t received_ns) {
  if (first_received_ns_ == 0) first_received_ns_ = received_ns;
  last_received_ns_ = received_ns;
}

Memtable::Peer& Memtable::PeerOf(const SpanFacts& facts, const Group& group) {
  if (facts.address.empty()) {
    other_peer_ = {};
    return other_peer_;
  }
  const std::uint64_t numbers[] = {group.service_hash, facts.port};
  const std::string_view parts[] = {facts.address,
                                    {reinterpret_cast<const char*>(numbers), sizeof numbers}};
  const std::uint64_t key = Hash64(std::span<const std::string_view>(parts));
  if (const auto known = known_peers_.find(key); known != known_peers_.end()) {
    return *known->second;
  }
  Peer peer{.text = facts.Peer()};
  const bool own = peers_.Of(group.service, peer.text) != rates::kOther;
  peer.series = rates_.For(rates::SeriesType::kPeer, group.service,
                           own ? std::string_view(peer.text) : rates::kOther, 0);
  if (!own) {
    other_peer_ = std::move(peer);
    other_peer_.counted_as = rates::kOther;
    return other_peer_;
  }
  Peer& kept = *(known_peers_[key] = std::make_unique<Peer>(std::move(peer)));
  kept.counted_as = kept.text;
  return kept;
}

bool Memtable::Counts(const SpanRow& row, const SpanFacts& facts, const Group& group,
                      const Peer& peer, std::uint64_t received_ns, red::RedLedger* ledger) const {
  red::RedKind kind;
  if (ledger == nullptr || !group.of_agent || !RedKindOf(facts, row.key.kind, kind)) return true;
  const std::string operation = red::OperationText(kind, facts.method, facts.route);
  return ledger->CountSpan({.instance = group.instance,
                            .service = group.service,
                            .kind = kind,
                            .operation = operation,
                            .error = facts.error,
                            .peer = peer.text,
                            .end_ns = row.start_ns + row.duration_ns,
                            .duration_ns = row.duration_ns},
                           received_ns);
}

void Memtable::AddPeer(const SpanRow& row, const SpanFacts& facts, const Group& group,
                       const Peer& peer, bool counts) {
  if (peer.text.empty()) return;
  const rates::CellTime time = rates::FineCell(row.start_ns);
  if (counts) rates_.Add(peer.series, time, row.duration_ns, row.error);
  const std::string name = facts.PeerName();
  if (name.empty()) return;
  rates_.Add(rates_.For(rates::SeriesType::kPeerName, group.service,
                        rates::PeerPair(peer.counted_as, name), 0),
             time, row.duration_ns, row.error);
}

void Memtable::Add(const red::Residual& residual, std::uint64_t received_ns) {
  Note(received_ns);
  if (!InTime(residual.to_ns, received_ns)) return;
  const auto add = [&](rates::RateTable::SeriesId id) {
    rates::ForEachShare(residual.from_ns, residual.to_ns, residual.durations,
                        [&](rates::CellTime time, const rates::Durations& durations) {
                          rates_.Merge(id, time, rates::MetricCell(durations, residual.error));
                        });
  };
  add(rates_.For(rates::SeriesType::kOperation, residual.service, residual.operation,
                 red::SpanKindOf(residual.kind)));
  if (residual.peer.empty()) return;
  add(rates_.For(rates::SeriesType::kPeer, residual.service,
                 peers_.Of(residual.service, residual.peer), 0));
}

bool Memtable::InTime(std::uint64_t start_ns, std::uint64_t received_ns) {
  const bool old = limits_.max_age_ns > 0 && start_ns + limits_.max_age_ns < received_ns;
  const bool in_time = !old && start_ns >= kFirstNs && start_ns <= received_ns + kNsPerHour;
  if (!in_time) ++out_of_time_;
  return in_time;
}

Memtable::CallSeries Memtable::SeriesOf(const rates::Call& call) {
  const std::string_view peer = call.outgoing != nullptr ? call.outgoing->peer : std::string_view();
  const std::string_view zero("\0", 1);
  const std::string_view parts[] = {call.client, zero, call.server, zero, peer};
  const std::uint64_t key = Hash64(std::span<const std::string_view>(parts));
  if (const auto known = calls_.find(key); known != calls_.end()) return known->second;
  CallSeries series;
  if (call.client != call.server) {
    series.edge = rates_.For(rates::SeriesType::kEdge, call.client, call.server, 0);
  }
  if (call.outgoing != nullptr) {
    series.answer = rates_.For(rates::SeriesType::kPeerAnswer, call.client,
                               rates::PeerPair(peers_.Of(call.client, peer), call.server), 0);
  }
  if (calls_.size() < limits_.max_series) calls_[key] = series;
  return series;
}

void Memtable::JoinCalls(std::size_t first, std::uint64_t received_ns, rates::RecentSpans& recent) {
  const rates::RecentSpans::Visit count = [&](const rates::Call& call) {
    if (!InTime(call.start_ns, received_ns)) return;
    const CallSeries series = SeriesOf(call);
    if (series.edge) {
      rates_.Add(*series.edge, rates::FineCell(call.start_ns), call.duration_ns, call.error);
    }
    const rates::Outgoing* made = call.outgoing;
    if (!series.answer || !InTime(made->start_ns, received_ns)) return;
    rates_.Add(*series.answer, rates::FineCell(made->start_ns), made->duration_ns, made->error);
  };
  const std::span<const SpanRow> rows = std::span(rows_).subspan(first);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SpanRow& row = rows[i];
    recent.AddSpan(row.key, groups_[row.group].service, received_ns, count,
                   {.peer = new_peers_[i],
                    .start_ns = row.start_ns,
                    .duration_ns = row.duration_ns,
                    .error = row.error});
  }
  for (const SpanRow& row : rows) {
    if (row.parent == 0) continue;
    recent.AddChild(row.key.trace,
                    {.parent = row.parent,
                     .start_ns = row.start_ns,
                     .duration_ns = row.duration_ns,
                     .error = row.error,
                     .serves = Serves(row.key.kind)},
                    groups_[row.group].service, count);
  }
}

std::size_t Memtable::bytes() const {
  constexpr std::size_t kKeyBytes = 2 * (sizeof(SpanKey) + 1);  // a table that is half full
  return text_bytes_ + group_bytes_ + terms_.capacity() * sizeof(Term) +
         rows_.capacity() * sizeof(SpanRow) + rows_.size() * kKeyBytes + rates_.bytes();
}

Edges Memtable::CountEdges() const {
  FlatMap<SpanKey, std::uint32_t> groups;  // of spans, kind left out
  for (const SpanRow& row : rows_) groups[{row.key.trace, row.key.span, 0}] = row.group;
  Edges edges;
  for (const SpanRow& row : rows_) {
    if (row.parent == 0) continue;
    const auto parent = groups.find(SpanKey{row.key.trace, row.parent, 0});
    if (parent == groups.end()) continue;
    ++edges[{row.start_ns / kNsPerMinute, groups_[parent->second].service,
             groups_[row.group].service}];
  }
  return edges;
}

}  // namespace wirespan::gateway::store
