#include "gateway/sink/store/store_metrics.h"

#include <functional>
#include <utility>

namespace wirespan::gateway::store {

namespace {

// A value, with the labels that it has beside the exporter's.
struct Value {
  telemetry::Labels labels{};
  std::uint64_t value = 0;
};
using Read = std::function<std::vector<Value>(const TraceStore& store)>;

Read Count(std::uint64_t StoreCounts::* member) {
  return [member](const TraceStore& store) {
    return std::vector<Value>{{{}, store.counts().*member}};
  };
}

std::vector<Value> Removed(const TraceStore& store) {
  const StoreCounts counts = store.counts();
  return {{{{"reason", "age"}}, counts.removed_by_age},
          {{{"reason", "bytes"}}, counts.removed_by_bytes}};
}

std::vector<Value> IgnoredPoints(const TraceStore& store) {
  const StoreCounts counts = store.counts();
  return {{{{"reason", "other"}}, counts.points_other},
          {{{"reason", "malformed"}}, counts.points_malformed},
          {{{"reason", "instrumented"}}, counts.points_instrumented},
          {{{"reason", "late"}}, counts.points.late},
          {{{"reason", "before"}}, counts.points.before},
          {{{"reason", "future"}}, counts.points.future},
          {{{"reason", "full"}}, counts.points.full}};
}

std::vector<Value> TakenPoints(const TraceStore& store) {
  return {{{}, store.counts().points.taken}};
}

std::vector<Value> ConfirmedSpans(const TraceStore& store) {
  return {{{}, store.counts().points.confirmed}};
}

std::vector<Value> Damaged(const TraceStore& store) {
  const DamageBook::Counts damage = store.damage();
  return {{{{"what", "log_records"}}, damage.log_records},
          {{{"what", "index_parts"}}, damage.indexes},
          {{{"what", "pages"}}, damage.pages},
          {{{"what", "spans"}}, damage.spans},
          {{{"what", "files"}}, damage.files},
          {{{"what", "rates"}}, store.counts().rates_damaged}};
}

}  // namespace

MetricHandles RegisterStore(telemetry::Registry& registry, const std::string& exporter,
                            std::shared_ptr<const TraceStore> store) {
  MetricHandles handles;
  const auto add = [&](const char* name, const char* help, bool monotonic, Read read) {
    handles.push_back(registry.AddScopedCollector(
        name, help, monotonic,
        [name, exporter, store, read = std::move(read)](std::vector<telemetry::Sample>& samples) {
          for (Value& value : read(*store)) {
            value.labels.insert(value.labels.begin(), {"exporter", exporter});
            samples.push_back({name, std::move(value.labels), static_cast<double>(value.value)});
          }
        }));
  };
  add("wirespan_store_opened_spans_total", "Spans found on disk when the store was opened", true,
      Count(&StoreCounts::opened));
  add("wirespan_store_written_spans_total", "Spans written since then", true,
      Count(&StoreCounts::written));
  add("wirespan_store_duplicate_spans_total", "Spans that were there already, not written twice",
      true, Count(&StoreCounts::duplicates));
  add("wirespan_store_refused_spans_total", "Spans left with their senders: no room", true,
      Count(&StoreCounts::refused));
  add("wirespan_store_removed_spans_total", "Spans deleted, by reason", true, Removed);
  add("wirespan_store_spans", "Spans held", false, Count(&StoreCounts::spans));
  add("wirespan_store_blocks", "Blocks on disk", false, Count(&StoreCounts::blocks));
  add("wirespan_store_disk_bytes", "Bytes of all files", false, Count(&StoreCounts::disk_bytes));
  add("wirespan_store_memory_bytes", "Bytes in memory: tables, requests that wait, open blocks",
      false, Count(&StoreCounts::memory_bytes));
  add("wirespan_store_syncs_total", "Groups of requests written and synced", true,
      Count(&StoreCounts::syncs));
  add("wirespan_store_failed_writes_total", "Groups and blocks that the disk refused", true,
      Count(&StoreCounts::failed_writes));
  add("wirespan_store_names_left_out_total",
      "Operations that the lists of services and operations have no room for", true,
      Count(&StoreCounts::names_left_out));
  add("wirespan_store_rates_disk_bytes", "Bytes of the files of rates", false,
      Count(&StoreCounts::rates_bytes));
  add("wirespan_store_rates_files", "Files of rates", false, Count(&StoreCounts::rates_files));
  add("wirespan_store_rates_other_spans_total",
      "Spans counted as \"(other)\": rates had no room for their names", true,
      Count(&StoreCounts::rates_other));
  add("wirespan_store_rates_out_of_time_total",
      "Spans and calls not in rates: they began too long ago, or in the future", true,
      Count(&StoreCounts::rates_out_of_time));
  add("wirespan_store_rates_removed_windows_total",
      "Stretches of ten minutes whose rates were deleted: too old, or too much", true,
      Count(&StoreCounts::rates_removed_windows));
  add("wirespan_store_calls_unjoined_total",
      "Spans whose parent did not come within a minute or two", true,
      Count(&StoreCounts::calls_unjoined));
  add("wirespan_store_rates_other_peers_total",
      "Calls counted as to \"(other)\": their services call too many addresses", true,
      Count(&StoreCounts::rates_peers_other));
  add("wirespan_store_points_total", "Data points of agents' RED metrics that went into rates",
      true, TakenPoints);
  add("wirespan_store_ignored_points_total", "Data points that did not, by reason", true,
      IgnoredPoints);
  add("wirespan_store_rates_confirmed_spans_total",
      "Spans not counted in rates once more: their agent's metrics had counted them", true,
      ConfirmedSpans);
  add("wirespan_store_damaged", "What can't be read, by kind", false, Damaged);
  return handles;
}

}  // namespace wirespan::gateway::store
