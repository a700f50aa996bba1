#include "gateway/sink/store/memtable.h"

#include <algorithm>
#include <span>
#include <utility>

namespace wirespan::gateway::store {

namespace {

constexpr std::uint64_t kNsPerMinute = 60'000'000'000;
constexpr std::uint64_t kNsPerHour = 60 * kNsPerMinute;

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
                                    const rates::RecentSpans* recent) {
  Inserted inserted;
  std::vector<std::uint32_t> numbers;
  for (Group& group : read.groups) numbers.push_back(GroupFor(std::move(group)));
  for (SpanRow& row : read.rows) {
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
    if (InTime(row.start_ns, received_ns)) {
      rates_.Add(series->second, rates::FineCell(row.start_ns), row.duration_ns, row.error);
    }
    if (!added) continue;
    const Operation operation{std::string(row.name), row.key.kind};
    names_[group.service].insert(operation);
    inserted.names.emplace_back(group.service, operation);
  }
  if (inserted.spans == 0) return inserted;
  text_bytes_ += read.text->size();
  texts_.push_back(std::move(read.text));
  if (first_received_ns_ == 0) first_received_ns_ = received_ns;
  last_received_ns_ = received_ns;
  return inserted;
}

bool Memtable::InTime(std::uint64_t start_ns, std::uint64_t received_ns) {
  const bool old = limits_.max_age_ns > 0 && start_ns + limits_.max_age_ns < received_ns;
  const bool in_time = !old && start_ns <= received_ns + kNsPerHour;
  if (!in_time) ++out_of_time_;
  return in_time;
}

void Memtable::JoinCalls(std::size_t first, std::uint64_t received_ns, rates::RecentSpans& recent) {
  const rates::RecentSpans::Visit count = [&](const rates::Call& call) {
    if (!InTime(call.start_ns, received_ns)) return;
    rates_.Add(rates_.For(rates::SeriesType::kEdge, call.client, call.server, 0),
               rates::FineCell(call.start_ns), call.duration_ns, call.error);
  };
  const std::span<const SpanRow> rows = std::span(rows_).subspan(first);
  for (const SpanRow& row : rows) {
    recent.AddSpan(row.key, groups_[row.group].service, received_ns, count);
  }
  for (const SpanRow& row : rows) {
    if (row.parent == 0) continue;
    recent.AddChild(row.key.trace,
                    {.parent = row.parent,
                     .start_ns = row.start_ns,
                     .duration_ns = row.duration_ns,
                     .error = row.error},
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
