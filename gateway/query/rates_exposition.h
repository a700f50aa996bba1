#pragma once

#include <map>
#include <string>

#include "gateway/sink/store/rates/series.h"

namespace wirespan::gateway::query {

// Prometheus' text format 0.0.4: of every operation and every edge a histogram of durations, whose
// count is the number of spans, and a counter of errors. Bounds are powers of two, so that they are
// bounds of the store's own buckets and counts are exact.
std::string RatesExposition(const std::map<store::rates::SeriesKey, store::rates::Cell>& cells);

}  // namespace wirespan::gateway::query
