#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gateway/sink/store/rates/rate_table.h"

// The cells of one window as they stand in a file (docs/format/store.md). Protobuf messages, so
// that fields can be added.
namespace wirespan::gateway::store::rates {

// The table's cells of the window that begins at `window_s`; empty if there is none.
std::string EncodeWindow(const RateTable& table, std::uint64_t window_s);

// Visits every cell. False: damaged; what was visited before is sound in itself.
using VisitCell = std::function<void(const SeriesKey& key, CellTime time, const Cell& cell)>;
bool DecodeWindow(std::string_view bytes, std::uint64_t window_s, const VisitCell& visit);

}  // namespace wirespan::gateway::store::rates
