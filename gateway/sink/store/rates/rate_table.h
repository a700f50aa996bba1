#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/flat_map.h"
#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::store::rates {

// Cells in memory. Bounded in series: those that come when it is full are counted as the operation
// "(other)" of their service, and when there are too many services as "(other)" of "(other)", so
// that sums stay right. Not thread-safe.
class RateTable {
 public:
  using SeriesId = std::uint32_t;
  struct Series {
    SeriesKey key{};
    std::map<CellTime, Cell> cells{};
    // The cell that was used last; nodes of a map stay where they are.
    CellTime last_time{};
    Cell* last = nullptr;
  };

  explicit RateTable(std::size_t max_series) : max_series_(max_series) {}
  RateTable(const RateTable&) = delete;  // a series points into itself
  RateTable(RateTable&&) = default;

  // The series of this name, or the one that it is counted as.
  SeriesId For(SeriesType type, std::string_view service, std::string_view name,
               std::uint64_t kind);
  void Add(SeriesId id, CellTime time, std::uint64_t duration_ns, bool error);
  void Merge(SeriesId id, CellTime time, const Cell& cell);

  const std::vector<Series>& series() const { return series_; }
  std::uint64_t left_out() const { return left_out_; }  // spans counted as "(other)"
  std::size_t bytes() const { return bytes_; }          // (about) of memory
  bool empty() const { return series_.empty(); }

 private:
  Cell& At(SeriesId id, CellTime time);
  // Null: not there, and there is no room.
  const SeriesId* Insert(SeriesType type, std::string_view service, std::string_view name,
                         std::uint64_t kind, std::size_t room);

  const std::size_t max_series_;
  std::vector<Series> series_{};
  std::vector<bool> is_other_{};  // by id
  StringMap<SeriesId> ids_{};
  std::string scratch_{};
  std::uint64_t left_out_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace wirespan::gateway::store::rates
