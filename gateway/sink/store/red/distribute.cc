#include <algorithm>

#include "gateway/sink/store/red/red_ledger.h"

namespace wirespan::gateway::store::red {

namespace {

using rates::Durations;

// count * part / whole, rounded; part <= whole.
std::uint64_t Share(std::uint64_t count, std::uint64_t part, std::uint64_t whole) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{count} * part + whole / 2) / whole);
}

}  // namespace

void Distribute(std::uint64_t lower_ns, std::uint64_t upper_ns, std::uint64_t count,
                const Durations& like, Durations& into) {
  std::uint64_t alike = 0;
  const auto inside = [&](const Durations::Entry& entry) {
    const double middle = Durations::MiddleNs(entry.bucket);
    return middle > static_cast<double>(lower_ns) && middle <= static_cast<double>(upper_ns);
  };
  for (const Durations::Entry& entry : like.entries()) {
    if (inside(entry)) alike += entry.count;
  }
  // Rounded sums, not rounded parts, so that nothing is lost.
  std::uint64_t before = 0;
  if (alike > 0) {
    for (const Durations::Entry& entry : like.entries()) {
      if (!inside(entry)) continue;
      const std::uint64_t from = Share(count, before, alike);
      before += entry.count;
      const std::uint64_t share = Share(count, before, alike) - from;
      if (share > 0) into.Add(entry.bucket, share);
    }
    return;
  }
  constexpr std::uint64_t kPieces = 32;
  const std::uint64_t width_ns = upper_ns - lower_ns;
  for (std::uint64_t piece = 0; piece < kPieces; ++piece) {
    const std::uint64_t share = Share(count, piece + 1, kPieces) - Share(count, piece, kPieces);
    if (share == 0) continue;
    const std::uint64_t middle_ns = lower_ns + Share(width_ns, 2 * piece + 1, 2 * kPieces);
    into.Add(Durations::BucketOf(middle_ns), share);
  }
}

}  // namespace wirespan::gateway::store::red
