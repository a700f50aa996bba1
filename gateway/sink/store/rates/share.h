#pragma once

#include <cstdint>
#include <functional>

#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::store::rates {

// Spreads what happened some time in (from, to] evenly over the cells of that time: every duration
// goes to one of them. Cells are wider for more than ten minutes or six hours.
void ForEachShare(std::uint64_t from_ns, std::uint64_t to_ns, const Durations& durations,
                  const std::function<void(CellTime time, const Durations& share)>& visit);

// Of durations that a metric told.
Cell MetricCell(const Durations& durations, bool error);

}  // namespace wirespan::gateway::store::rates
