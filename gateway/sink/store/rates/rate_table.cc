#include "gateway/sink/store/rates/rate_table.h"

#include <utility>

#include "common/base/strings.h"

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::size_t kCellBytes = sizeof(std::pair<CellTime, Cell>) + 48;  // with the map's node
constexpr std::size_t kSeriesBytes = sizeof(RateTable::Series) + 128;       // with its id

}  // namespace

const RateTable::SeriesId* RateTable::Insert(SeriesType type, std::string_view service,
                                             std::string_view name, std::uint64_t kind,
                                             std::size_t room) {
  scratch_.assign(1, static_cast<char>(type));
  scratch_.push_back(static_cast<char>(kind));
  scratch_.append(service).push_back('\0');
  scratch_.append(name);
  if (const auto known = ids_.find(std::string_view(scratch_)); known != ids_.end()) {
    return &known->second;
  }
  if (series_.size() >= room) return nullptr;
  series_.push_back({.key = {.type = type,
                             .service = std::string(service),
                             .name = std::string(name),
                             .kind = kind}});
  is_other_.push_back(name == kOther);
  bytes_ += kSeriesBytes + 2 * (service.size() + name.size());
  return &ids_.emplace(scratch_, static_cast<SeriesId>(series_.size() - 1)).first->second;
}

RateTable::SeriesId RateTable::For(SeriesType type, std::string_view service, std::string_view name,
                                   std::uint64_t kind) {
  service = TruncateUtf8(service, kMaxNameBytes);
  name = TruncateUtf8(name, kMaxNameBytes);
  if (kind > kMaxKind) kind = 0;
  if (const SeriesId* id = Insert(type, service, name, kind, max_series_)) return *id;
  const std::size_t with_others = max_series_ + max_series_ / 4;
  if (const SeriesId* id = Insert(type, service, kOther, kind, with_others)) return *id;
  return *Insert(type, kOther, kOther, kind, ~std::size_t{0});  // one for each kind
}

Cell& RateTable::At(SeriesId id, CellTime time) {
  Series& series = series_[id];
  if (series.last == nullptr || series.last_time != time) {
    const auto [at, added] = series.cells.try_emplace(time);
    series.last = &at->second;
    series.last_time = time;
    if (added) bytes_ += kCellBytes;
  }
  return *series.last;
}

void RateTable::Add(SeriesId id, CellTime time, std::uint64_t duration_ns, bool error) {
  Cell& cell = At(id, time);
  const std::size_t before = cell.durations.entries().size();
  cell.Add(duration_ns, error);
  bytes_ += (cell.durations.entries().size() - before) * sizeof(Durations::Entry);
  if (is_other_[id]) ++left_out_;
}

void RateTable::Merge(SeriesId id, CellTime time, const Cell& cell) {
  Cell& into = At(id, time);
  const std::size_t before = into.durations.entries().size();
  into.Merge(cell);
  bytes_ += (into.durations.entries().size() - before) * sizeof(Durations::Entry);
}

}  // namespace wirespan::gateway::store::rates
