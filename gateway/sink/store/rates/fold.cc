#include "gateway/sink/store/rates/fold.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace wirespan::gateway::store::rates {

std::uint64_t Fold(const CellSum& sum, std::size_t max_series, RateTable& table) {
  using Entry = CellSum::value_type;
  std::vector<std::pair<std::uint64_t, const Entry*>> by_count;
  for (const Entry& entry : sum) {
    std::uint64_t spans = 0;
    for (const auto& [time, cell] : entry.second) spans += cell.count;
    by_count.emplace_back(spans, &entry);
  }
  std::stable_sort(by_count.begin(), by_count.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::uint64_t folded = 0;
  std::size_t others = 0;
  for (std::size_t i = 0; i < by_count.size(); ++i) {
    const auto& [key, cells] = *by_count[i].second;
    RateTable::SeriesId id = 0;
    if (i < max_series || key.name == kOther) {
      id = table.For(key.type, key.service, key.name, key.kind);
    } else {
      // One "(other)" for a service is a series too: beyond a quarter of the bound all share one.
      const bool own = others < max_series / 4;
      const std::size_t before = table.series().size();
      id = table.For(key.type, own ? std::string_view(key.service) : kOther, kOther, key.kind);
      others += table.series().size() - before;
      folded += cells.size();
    }
    for (const auto& [time, cell] : cells) table.Merge(id, time, cell);
  }
  return folded;
}

}  // namespace wirespan::gateway::store::rates
