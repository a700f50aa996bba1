#include "gateway/sink/store/trace_set.h"

#include <algorithm>

#include "common/otlp/walk.h"
#include "gateway/sink/store/page.h"

namespace wirespan::gateway::store {

void LatestTraces::Add(const TraceId& id, std::uint64_t start_ns) {
  if (limit_ == 0) return;
  const auto [known, added] = starts_.try_emplace(id, start_ns);
  if (!added) {
    if (start_ns <= known->second) return;
    by_start_.erase({known->second, id});
    known->second = start_ns;
  }
  by_start_.insert({start_ns, id});
  if (by_start_.size() > limit_) {
    starts_.erase(by_start_.begin()->second);
    by_start_.erase(by_start_.begin());
  }
}

std::vector<TraceId> LatestTraces::NewestFirst() const {
  std::vector<TraceId> ids;
  for (auto entry = by_start_.rbegin(); entry != by_start_.rend(); ++entry) {
    ids.push_back(entry->second);
  }
  return ids;
}

TraceSet::TraceSet(std::span<const TraceId> ids, std::size_t max_bytes) : max_bytes_(max_bytes) {
  for (const TraceId& id : ids) {
    if (!numbers_.try_emplace(id, entries_.size()).second) continue;
    entries_.emplace_back().trace.id = id;
  }
}

bool TraceSet::TakeSpan(Entry& entry, const SpanRow& row) {
  if (full() || !entry.seen.insert({row.key.span, row.key.kind}).second) return false;
  bytes_ += row.span.size();
  ++entry.trace.count;
  return true;
}

void TraceSet::AddTable(const Memtable& table) {
  std::vector<std::vector<const SpanRow*>> rows(entries_.size());
  for (const SpanRow& row : table.rows()) {
    const auto number = numbers_.find(row.key.trace);
    if (number == numbers_.end() || !TakeSpan(entries_[number->second], row)) continue;
    rows[number->second].push_back(&row);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::stable_sort(rows[i].begin(), rows[i].end(),
                     [](const SpanRow* a, const SpanRow* b) { return a->group < b->group; });
    entries_[i].trace.spans += ToRequest(rows[i], table.groups());
  }
}

void TraceSet::AddPage(std::string_view request, const TraceId& id) {
  Entry& entry = entries_[numbers_.at(id)];
  std::string part;
  otlp::Filter(
      otlp::Signal::kTraces, request,
      [&](std::string_view span) {
        const SpanRow row = ReadSpan(span);
        return row.key.trace == id && TakeSpan(entry, row);
      },
      part);
  entry.trace.spans += part;
}

std::vector<FoundTrace> TraceSet::Take() {
  std::vector<FoundTrace> found;
  for (Entry& entry : entries_) {
    if (entry.trace.count > 0) found.push_back(std::move(entry.trace));
  }
  return found;
}

}  // namespace wirespan::gateway::store
