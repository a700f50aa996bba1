#pragma once

#include <cstdint>
#include <vector>

namespace wirespan::gateway::store::rates {

// How often each duration occurred, in buckets that grow by a factor of 2^(1/32): OpenTelemetry's
// exponential histogram of scale 5. Any two can be merged without loss. A percentile is told as the
// geometric middle of its bucket, so it is wrong by at most 2^(1/64), 1.1 %; scale 4 would be wrong
// by 2.2 %. Sparse: an hour of one service is some dozen entries.
//
//   bucket   0           1                ...  b                              2048
//   ns       0 and 1     (1, 2^(1/32)]         (2^((b-1)/32), 2^(b/32)]       up to 2^64
class Durations {
 public:
  struct Entry {
    std::uint16_t bucket = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  static constexpr std::uint16_t kLastBucket = 2048;

  static std::uint16_t BucketOf(std::uint64_t ns);
  static double UpperNs(std::uint16_t bucket);
  static double MiddleNs(std::uint16_t bucket);

  void Add(std::uint16_t bucket, std::uint64_t count = 1);
  void Merge(const Durations& other);

  const std::vector<Entry>& entries() const { return entries_; }  // ascending, none empty
  std::uint64_t count() const;
  // By nearest rank; 0 without durations. `part` is of 0..1.
  double PercentileNs(double part) const;

  friend bool operator==(const Durations&, const Durations&) = default;

 private:
  std::vector<Entry> entries_{};
};

}  // namespace wirespan::gateway::store::rates
