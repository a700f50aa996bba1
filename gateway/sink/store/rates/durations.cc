#include "gateway/sink/store/rates/durations.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace wirespan::gateway::store::rates {

namespace {

constexpr unsigned kPerOctave = 32;

// 2^(63 + k/32) for k = 1..31: where an octave is cut, with the leading bit at the top.
using Cuts = std::array<std::uint64_t, kPerOctave - 1>;
Cuts MakeCuts() {
  Cuts cuts{};
  for (unsigned k = 1; k < kPerOctave; ++k) {
    cuts[k - 1] = static_cast<std::uint64_t>(std::ldexp(std::exp2(k / 32.0), 63));
  }
  return cuts;
}

bool Before(const Durations::Entry& entry, std::uint16_t bucket) { return entry.bucket < bucket; }

}  // namespace

std::uint16_t Durations::BucketOf(std::uint64_t ns) {
  static const Cuts kCuts = MakeCuts();
  if (ns <= 1) return 0;
  const auto octave = static_cast<unsigned>(std::bit_width(ns) - 1);
  if (std::has_single_bit(ns)) return static_cast<std::uint16_t>(octave * kPerOctave);
  const std::uint64_t mantissa = ns << (63 - octave);
  const auto cut = std::lower_bound(kCuts.begin(), kCuts.end(), mantissa) - kCuts.begin();
  return static_cast<std::uint16_t>(octave * kPerOctave + static_cast<unsigned>(cut) + 1);
}

double Durations::UpperNs(std::uint16_t bucket) { return std::exp2(bucket / 32.0); }

double Durations::MiddleNs(std::uint16_t bucket) {
  return bucket == 0 ? 1 : std::exp2((bucket - 0.5) / 32.0);
}

void Durations::Add(std::uint16_t bucket, std::uint64_t count) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), bucket, Before);
  if (at != entries_.end() && at->bucket == bucket) {
    at->count += count;
  } else {
    entries_.insert(at, {bucket, count});
  }
}

void Durations::Merge(const Durations& other) {
  if (entries_.empty()) {
    entries_ = other.entries_;
    return;
  }
  std::vector<Entry> merged;
  merged.reserve(entries_.size() + other.entries_.size());
  auto mine = entries_.begin();
  for (const Entry& entry : other.entries_) {
    for (; mine != entries_.end() && mine->bucket < entry.bucket; ++mine) merged.push_back(*mine);
    merged.push_back(entry);
    if (mine != entries_.end() && mine->bucket == entry.bucket) {
      merged.back().count += mine->count;
      ++mine;
    }
  }
  merged.insert(merged.end(), mine, entries_.end());
  entries_ = std::move(merged);
}

std::uint64_t Durations::count() const {
  std::uint64_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.count;
  return sum;
}

double Durations::PercentileNs(double part) const {
  const double rank = std::max(1.0, std::ceil(part * static_cast<double>(count())));
  std::uint64_t seen = 0;
  for (const Entry& entry : entries_) {
    seen += entry.count;
    if (static_cast<double>(seen) >= rank) return MiddleNs(entry.bucket);
  }
  return 0;
}

}  // namespace wirespan::gateway::store::rates
