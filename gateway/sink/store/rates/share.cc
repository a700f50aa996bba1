#include "gateway/sink/store/rates/share.h"

#include <algorithm>

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::uint64_t kMaxFineS = 600;
constexpr std::uint64_t kMaxMiddleS = 6 * 3600;
constexpr std::uint64_t kMaxS = 48 * 3600;  // more than a stream is followed without a word

}  // namespace

void ForEachShare(std::uint64_t from_ns, std::uint64_t to_ns, const Durations& durations,
                  const std::function<void(CellTime time, const Durations& share)>& visit) {
  from_ns = std::max(from_ns, to_ns - std::min(to_ns, kMaxS * kNsPerS));
  const std::uint64_t span_s = (to_ns - from_ns) / kNsPerS;
  const std::uint32_t width_s = span_s <= kMaxFineS     ? kFineS
                                : span_s <= kMaxMiddleS ? kMiddleS
                                                        : kCoarseS;
  const std::uint64_t first_s = from_ns / kNsPerS / width_s * width_s;
  const std::uint64_t last_s = to_ns / kNsPerS / width_s * width_s;
  // Durations that went to cells that end before `end_ns`; rounded, and all of them at the end.
  const auto before = [&](std::uint64_t count, std::uint64_t end_ns) -> std::uint64_t {
    if (end_ns >= to_ns || to_ns == from_ns) return count;
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t whole = to_ns - from_ns;
    return static_cast<std::uint64_t>((Wide{count} * (end_ns - from_ns) + whole / 2) / whole);
  };
  for (std::uint64_t start_s = first_s; start_s <= last_s; start_s += width_s) {
    const std::uint64_t start_ns = std::max(start_s * kNsPerS, from_ns);
    const std::uint64_t end_ns = (start_s + width_s) * kNsPerS;
    Durations share;
    for (const Durations::Entry& entry : durations.entries()) {
      const std::uint64_t until = start_s == last_s ? entry.count : before(entry.count, end_ns);
      const std::uint64_t from = start_s == first_s ? 0 : before(entry.count, start_ns);
      if (until > from) share.Add(entry.bucket, until - from);
    }
    if (!share.entries().empty()) visit({start_s, width_s}, share);
  }
}

Cell MetricCell(const Durations& durations, bool error) {
  Cell cell;
  cell.durations = durations;
  cell.count = cell.from_metrics = durations.count();
  cell.errors = error ? cell.count : 0;
  for (const Durations::Entry& entry : durations.entries()) {
    cell.sum_ns += static_cast<std::uint64_t>(
        std::min(Durations::MiddleNs(entry.bucket) * static_cast<double>(entry.count), 0x1p62));
  }
  return cell;
}

}  // namespace wirespan::gateway::store::rates
