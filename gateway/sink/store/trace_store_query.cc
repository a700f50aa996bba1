// How spans are found again.
#include <algorithm>
#include <map>
#include <utility>

#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

TraceStore::View TraceStore::Look() const {
  const std::lock_guard data(data_mutex_);
  View view{.sealed = sealed_};
  for (const BlockInfo& block : blocks_) {
    if (block.spans > 0) view.blocks.push_back(block);
  }
  return view;
}

void TraceStore::SearchTable(const Memtable& table, const Matcher& matcher,
                             LatestTraces& latest) const {
  const auto has = [](const Term* from, std::size_t count, Term term) {
    return std::find(from, from + count, term) != from + count;
  };
  for (const SpanRow& row : table.rows()) {
    if (!latest.Wants(row.start_ns)) continue;
    if (!matcher.MayMatch(ColumnRow{.start_ns = row.start_ns,
                                    .duration_ns = row.duration_ns,
                                    .service = row.service_term,
                                    .operation = row.operation_term})) {
      continue;
    }
    const Group& group = table.groups()[row.group];
    const auto& tags = matcher.tag_terms();
    const bool may = std::all_of(tags.begin(), tags.end(), [&](Term term) {
      return has(table.terms().data() + row.terms_at, row.terms, term) ||
             has(group.terms.data(), group.terms.size(), term);
    });
    if (may && matcher.Matches(row, group.service, group.resource_head, group.scope_head)) {
      latest.Add(row.key.trace, row.start_ns);
    }
  }
}

// False: stopped.
bool TraceStore::SearchBlock(const BlockInfo& block, const Matcher& matcher,
                             const QueryLimits& limits, KeptPages& kept,
                             LatestTraces& latest) const {
  const auto reader = cache_.Get(block.number);
  if (!reader) return true;  // deleted meanwhile
  Pages pages = reader->PagesWith(matcher.terms());
  std::erase_if(pages, [&](std::uint32_t page) { return !matcher.MayMatch(reader->page(page)); });
  std::sort(pages.begin(), pages.end(), [&](std::uint32_t a, std::uint32_t b) {
    return reader->page(a).max_start_ns > reader->page(b).max_start_ns;
  });
  otlp::Decompressor decompressor;
  std::string plain;
  std::vector<std::uint32_t> rows;
  for (const std::uint32_t page : pages) {
    if (limits.Stopped()) return false;
    if (!latest.Wants(reader->page(page).max_start_ns)) break;
    const auto columns = reader->Columns(page);
    rows.clear();
    for (std::uint32_t row = 0; columns && row < columns->size(); ++row) {
      const ColumnRow& column = (*columns)[row];
      if (matcher.MayMatch(column) && latest.Wants(column.start_ns)) rows.push_back(row);
    }
    if ((columns && rows.empty()) || !reader->Payload(page, decompressor, plain)) continue;
    bool found = false;
    const SpanVisitor look = [&](const SpanPlace& place, const SpanRow& row) {
      if (latest.Wants(row.start_ns) &&
          matcher.Matches(row, place.service, place.resource_head, place.scope_head)) {
        latest.Add(row.key.trace, row.start_ns);
        found = true;
      }
      return true;
    };
    if (columns) {
      ForEachOfRows(plain, rows, look);
    } else {
      ForEachSpanIn(plain, look);
    }
    if (found) kept.Keep(block.number, page, plain);
  }
  return true;
}

TraceStore::Found TraceStore::Search(const TraceQuery& query, const QueryLimits& limits) const {
  const Matcher matcher(query);
  LatestTraces latest(query.limit);
  {
    // The table first: what leaves it meanwhile is in the view that is taken afterwards.
    std::shared_ptr<const Memtable> table;
    {
      const std::lock_guard data(data_mutex_);
      table = active_;
    }
    const std::lock_guard lock(table_mutex_);
    SearchTable(*table, matcher, latest);
  }
  View view = Look();
  if (view.sealed) SearchTable(*view.sealed, matcher, latest);
  std::erase_if(view.blocks, [&](const BlockInfo& block) {
    return !matcher.InTime(block.min_start_ns, block.max_start_ns);
  });
  std::sort(view.blocks.begin(), view.blocks.end(),
            [](const BlockInfo& a, const BlockInfo& b) { return a.max_start_ns > b.max_start_ns; });
  bool complete = true;
  KeptPages kept;
  for (const BlockInfo& block : view.blocks) {
    if (!latest.Wants(block.max_start_ns)) break;
    complete = SearchBlock(block, matcher, limits, kept, latest);
    if (!complete) break;
  }
  Found found = Collect(latest.NewestFirst(), limits, kept);
  found.complete = found.complete && complete;
  return found;
}

void TraceStore::CollectFromBlock(const BlockInfo& block, std::span<const TraceId> ids,
                                  const QueryLimits& limits, KeptPages& kept,
                                  TraceSet& traces) const {
  std::vector<std::pair<Term, TraceId>> likely;
  for (const TraceId& id : ids) {
    const Term term = TraceTerm(id);
    if (!block.filter || block.filter->MayHold(term)) likely.emplace_back(term, id);
  }
  const auto reader = likely.empty() ? nullptr : cache_.Get(block.number);
  if (!reader) return;
  std::map<std::uint32_t, std::vector<TraceId>> wanted;  // by page
  for (const auto& [term, id] : likely) {
    for (const std::uint32_t page : reader->PagesWith(std::span(&term, 1))) {
      wanted[page].push_back(id);
    }
  }
  otlp::Decompressor decompressor;
  std::string inflated;
  for (const auto& [page, inside] : wanted) {
    if (traces.full() || limits.Stopped()) return;
    const std::string* plain = kept.Find(block.number, page);
    if (plain == nullptr) {
      if (!reader->Payload(page, decompressor, inflated)) continue;
      plain = &inflated;
    }
    for (const TraceId& id : inside) traces.AddPage(*plain, id);
  }
}

TraceStore::Found TraceStore::Get(std::span<const TraceId> ids, const QueryLimits& limits) const {
  KeptPages none;
  return Collect(ids, limits, none);
}

TraceStore::Found TraceStore::Collect(std::span<const TraceId> ids, const QueryLimits& limits,
                                      KeptPages& kept) const {
  TraceSet traces(ids, limits.max_bytes);
  if (ids.empty()) return {};
  {
    std::shared_ptr<const Memtable> table;
    {
      const std::lock_guard data(data_mutex_);
      table = active_;
    }
    const std::lock_guard lock(table_mutex_);
    traces.AddTable(*table);
  }
  const View view = Look();
  if (view.sealed) traces.AddTable(*view.sealed);
  bool complete = true;
  for (const BlockInfo& block : view.blocks) {
    complete = !traces.full() && !limits.Stopped();
    if (!complete) break;
    CollectFromBlock(block, ids, limits, kept, traces);
  }
  complete = complete && !traces.full() && !limits.Stopped();
  return {.traces = traces.Take(), .complete = complete};
}

std::vector<std::string> TraceStore::Services() const {
  const std::lock_guard data(data_mutex_);
  return catalog_.services();
}

std::vector<Operation> TraceStore::Operations(std::string_view service) const {
  const std::lock_guard data(data_mutex_);
  return catalog_.operations(service);
}

// Calls are rates of edges. Blocks of which there are none (those files are damaged, or an earlier
// program made the block) know the calls inside them.
Edges TraceStore::Calls(std::uint64_t first_minute, std::uint64_t last_minute,
                        const QueryLimits& limits) const {
  constexpr std::uint64_t kNsPerMinute = 60'000'000'000;
  Edges sum;
  const std::vector<BlockInfo> blocks = Look().blocks;
  VisitRates(first_minute * 60, last_minute * 60 + 59, limits.stop,
             [&](const rates::SeriesKey& key, rates::CellTime, const rates::Cell& cell) {
               if (key.type != rates::SeriesType::kEdge) return;
               sum[{0, key.service, key.name}] += cell.count;
             });
  for (const BlockInfo& block : blocks) {
    if (limits.Stopped()) break;
    if (rate_files_.Holds(block.number) || block.min_start_ns / kNsPerMinute > last_minute ||
        block.max_start_ns / kNsPerMinute < first_minute) {
      continue;
    }
    const auto reader = cache_.Get(block.number);
    if (!reader) continue;
    for (const auto& [edge, calls] : reader->ReadEdges()) {
      if (edge.minute < first_minute || edge.minute > last_minute) continue;
      if (edge.parent != edge.child) sum[{0, edge.parent, edge.child}] += calls;
    }
  }
  return sum;
}

}  // namespace wirespan::gateway::store
