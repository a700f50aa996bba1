#include "gateway/sink/store/rates/window_codec.h"

#include "common/otlp/wire.h"

//   Window  1 series*
//   Series  1 type, 2 service, 3 name, 4 kind, 5 cell*, 6 cell with metrics*
//   cell    varints: start after the window's, and width, both in units of 10 s; count; errors; sum
//           of durations in ns; with metrics: how many came from them; then for each bucket that is
//           not empty its number less that of the one before, and its count
namespace wirespan::gateway::store::rates {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using otlp::Writer;

constexpr std::uint32_t kCell = 5;
constexpr std::uint32_t kCellWithMetrics = 6;

void AppendCell(Writer& out, std::uint64_t window_s, CellTime time, const Cell& cell) {
  std::string bytes;
  otlp::AppendVarint(bytes, (time.start_s - window_s) / kFineS);
  otlp::AppendVarint(bytes, time.width_s / kFineS);
  otlp::AppendVarint(bytes, cell.count);
  otlp::AppendVarint(bytes, cell.errors);
  otlp::AppendVarint(bytes, cell.sum_ns);
  if (cell.from_metrics > 0) otlp::AppendVarint(bytes, cell.from_metrics);
  std::uint16_t last = 0;
  for (const Durations::Entry& entry : cell.durations.entries()) {
    otlp::AppendVarint(bytes, static_cast<std::uint64_t>(entry.bucket - last));
    otlp::AppendVarint(bytes, entry.count);
    last = entry.bucket;
  }
  out.Bytes(cell.from_metrics > 0 ? kCellWithMetrics : kCell, bytes);
}

bool ReadCell(std::string_view bytes, bool with_metrics, std::uint64_t window_s, CellTime& time,
              Cell& cell) {
  std::uint64_t start = 0;
  std::uint64_t width = 0;
  if (!otlp::ReadVarint(bytes, start) || !otlp::ReadVarint(bytes, width) ||
      !otlp::ReadVarint(bytes, cell.count) || !otlp::ReadVarint(bytes, cell.errors) ||
      !otlp::ReadVarint(bytes, cell.sum_ns) ||
      (with_metrics && !otlp::ReadVarint(bytes, cell.from_metrics))) {
    return false;
  }
  constexpr std::uint64_t kUnits = kWindowS / kFineS;
  if (width == 0 || start >= kUnits || width > kUnits - start) return false;
  time = {window_s + start * kFineS, static_cast<std::uint32_t>(width * kFineS)};
  std::uint64_t bucket = 0;
  while (!bytes.empty()) {
    std::uint64_t step = 0;
    std::uint64_t count = 0;
    if (!otlp::ReadVarint(bytes, step) || !otlp::ReadVarint(bytes, count)) return false;
    if (step > Durations::kLastBucket - bucket) return false;
    bucket += step;
    cell.durations.Add(static_cast<std::uint16_t>(bucket), count);
  }
  return true;
}

bool ReadSeries(std::string_view bytes, std::uint64_t window_s, const VisitCell& visit) {
  SeriesKey key;
  Reader reader(bytes);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kVarint)) {
      if (field.value < 1 || field.value > kLastSeriesType) return true;  // of a later version
      key.type = static_cast<SeriesType>(field.value);
    }
    if (field.Is(2, WireType::kBytes)) key.service = field.bytes;
    if (field.Is(3, WireType::kBytes)) key.name = field.bytes;
    if (field.Is(4, WireType::kVarint)) key.kind = field.value;
    const bool with_metrics = field.Is(kCellWithMetrics, WireType::kBytes);
    if (!with_metrics && !field.Is(kCell, WireType::kBytes)) continue;
    CellTime time;
    Cell cell;
    if (!ReadCell(field.bytes, with_metrics, window_s, time, cell)) return false;
    visit(key, time, cell);
  }
  return reader.ok();
}

}  // namespace

std::string EncodeWindow(const RateTable& table, std::uint64_t window_s) {
  Writer out;
  for (const RateTable::Series& series : table.series()) {
    auto cell = series.cells.lower_bound(CellTime{window_s, 0});
    const auto inside = [&] {
      return cell != series.cells.end() && cell->first.start_s < window_s + kWindowS;
    };
    if (!inside()) continue;
    const Writer::Mark mark = out.Begin(1, 1000);
    out.Varint(1, static_cast<std::uint64_t>(series.key.type));
    out.Bytes(2, series.key.service);
    out.Bytes(3, series.key.name);
    out.Varint(4, series.key.kind);
    for (; inside(); ++cell) AppendCell(out, window_s, cell->first, cell->second);
    out.End(mark);
  }
  return out.Take();
}

bool DecodeWindow(std::string_view bytes, std::uint64_t window_s, const VisitCell& visit) {
  Reader top(bytes);
  for (Field series; top.Next(series);) {
    if (series.Is(1, WireType::kBytes) && !ReadSeries(series.bytes, window_s, visit)) return false;
  }
  return top.ok();
}

}  // namespace wirespan::gateway::store::rates
