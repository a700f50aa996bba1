// How rates are kept beside spans, and read.
#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

namespace {

std::uint64_t SecondsOf(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count()) / 1000;
}

// All of a table's cells, one for each series.
void AddAll(const rates::RateTable& from, rates::RateTable& into) {
  for (const rates::RateTable::Series& series : from.series()) {
    const auto& key = series.key;
    const auto id = into.For(key.type, key.service, key.name, key.kind);
    for (const auto& [time, cell] : series.cells) into.Merge(id, {}, cell);
  }
}

void Subtract(rates::Cell& from, const rates::Cell& cell) {
  from.count -= std::min(from.count, cell.count);
  from.errors -= std::min(from.errors, cell.errors);
  from.sum_ns -= std::min(from.sum_ns, cell.sum_ns);
  rates::Durations left;
  auto taken = cell.durations.entries().begin();
  for (const rates::Durations::Entry& entry : from.durations.entries()) {
    while (taken != cell.durations.entries().end() && taken->bucket < entry.bucket) ++taken;
    const bool same = taken != cell.durations.entries().end() && taken->bucket == entry.bucket;
    const std::uint64_t less = same ? std::min(taken->count, entry.count) : 0;
    if (entry.count > less) left.Add(entry.bucket, entry.count - less);
  }
  from.durations = std::move(left);
}

}  // namespace

rates::RateOptions TraceStore::RateOptionsOf(const StoreOptions& options) {
  return {.max_series = options.max_series,
          .max_age_s = SecondsOf(options.max_rates_age),
          .max_bytes = options.max_disk_bytes / 8,
          .sync = options.sync,
          .merge_notes = [](std::span<const std::string> notes, std::uint64_t now_s) {
            return red::RedLedger::Merge(notes, now_s * rates::kNsPerS);
          }};
}

RateLimits TraceStore::LimitsOfRates() const {
  return {.max_series = options_.max_series,
          .max_age_ns = SecondsOf(options_.max_rates_age) * rates::kNsPerS};
}

void TraceStore::AddToTotals(const Memtable& table, rates::RateTable& totals) {
  AddAll(table.rates(), totals);
}

bool TraceStore::VisitRates(std::uint64_t first_s, std::uint64_t last_s,
                            const std::function<bool()>& stop,
                            const rates::VisitCell& visit) const {
  const std::uint64_t now_s = clock_.realtime_ns() / rates::kNsPerS;
  const rates::VisitCell inside = [&](const rates::SeriesKey& key, rates::CellTime time,
                                      const rates::Cell& cell) {
    const rates::CellTime now = rates::RollUp(time, now_s);
    if (now.start_s > last_s || now.start_s + now.width_s <= first_s) return;
    visit(key, now, cell);
  };
  const auto visit_table = [&](const Memtable& table) {
    for (const rates::RateTable::Series& series : table.rates().series()) {
      for (const auto& [time, cell] : series.cells) inside(series.key, time, cell);
    }
  };
  // At one moment, so that every span is in one of them.
  std::shared_ptr<const Memtable> active;
  std::shared_ptr<const Memtable> sealed;
  rates::RateFiles::Files files;
  {
    const std::lock_guard data(data_mutex_);
    active = active_;
    sealed = sealed_;
    files = rate_files_.files();
  }
  {
    const std::lock_guard lock(table_mutex_);
    visit_table(*active);
  }
  if (sealed) visit_table(*sealed);
  return rate_files_.Visit(files, first_s, last_s, stop, inside);
}

std::map<rates::SeriesKey, rates::Cell> TraceStore::RatesSinceOpening() const {
  rates::RateTable sum(options_.max_series);
  std::map<rates::SeriesKey, rates::Cell> cells;
  const std::lock_guard data(data_mutex_);
  AddAll(totals_, sum);
  {
    const std::lock_guard lock(table_mutex_);
    AddAll(active_->rates(), sum);
  }
  for (const rates::RateTable::Series& series : sum.series()) {
    for (const auto& [time, cell] : series.cells) cells[series.key].Merge(cell);
  }
  for (const rates::RateTable::Series& series : before_opening_.series()) {
    const auto found = cells.find(series.key);
    if (found == cells.end()) continue;
    for (const auto& [time, cell] : series.cells) Subtract(found->second, cell);
    if (found->second.count == 0) cells.erase(found);
  }
  return cells;
}

void TraceStore::Watch(std::shared_ptr<SpanWatcher> watcher) {
  const std::lock_guard data(data_mutex_);
  watcher_ = std::move(watcher);
}

}  // namespace wirespan::gateway::store
