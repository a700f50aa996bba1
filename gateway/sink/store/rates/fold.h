#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "gateway/sink/store/rates/rate_table.h"

namespace wirespan::gateway::store::rates {

using CellSum = std::map<SeriesKey, std::map<CellTime, Cell>>;

// Puts the cells into `table`, those of the `max_series` series with the most spans as they are and
// the others as "(other)" of their service or of all. Returns how many cells that were.
std::uint64_t Fold(const CellSum& sum, std::size_t max_series, RateTable& table);

}  // namespace wirespan::gateway::store::rates
