// Buckets against exact percentiles.
#include "gateway/sink/store/rates/durations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace wirespan::gateway::store::rates {
namespace {

TEST(DurationsTest, EveryDurationIsInTheBucketThatHoldsIt) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t ns = random() >> (random() % 63);
    if (ns <= 1) continue;
    const std::uint16_t bucket = Durations::BucketOf(ns);
    ASSERT_LE(bucket, Durations::kLastBucket);
    // A double has 53 bits: at the edge of a bucket it may round to the other side.
    const double at = static_cast<double>(ns);
    EXPECT_LE(at, Durations::UpperNs(bucket) * (1 + 1e-12)) << ns;
    EXPECT_GT(at, Durations::UpperNs(static_cast<std::uint16_t>(bucket - 1)) * (1 - 1e-12)) << ns;
  }
}

TEST(DurationsTest, PowersOfTwoEndTheirBuckets) {
  EXPECT_EQ(Durations::BucketOf(0), 0);
  EXPECT_EQ(Durations::BucketOf(1), 0);
  for (unsigned octave = 1; octave < 64; ++octave) {
    const std::uint64_t power = std::uint64_t{1} << octave;
    EXPECT_EQ(Durations::BucketOf(power), 32 * octave);
    EXPECT_GT(Durations::BucketOf(power + 1), 32 * octave);
  }
  EXPECT_EQ(Durations::BucketOf(std::numeric_limits<std::uint64_t>::max()), 2048);
}

TEST(DurationsTest, PercentilesAreWithinTwoPercent) {
  std::mt19937_64 random(2);
  std::lognormal_distribution<double> latency(13, 2);  // around half a millisecond, a long tail
  Durations durations;
  std::vector<std::uint64_t> exact;
  for (int i = 0; i < 20011; ++i) {
    exact.push_back(static_cast<std::uint64_t>(latency(random)) + 1);
    durations.Add(Durations::BucketOf(exact.back()));
  }
  std::sort(exact.begin(), exact.end());
  EXPECT_EQ(durations.count(), exact.size());
  for (const double part : {0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(part * exact.size())));
    const auto truth = static_cast<double>(exact[rank - 1]);
    EXPECT_NEAR(durations.PercentileNs(part), truth, truth * 0.011) << part;
  }
}

TEST(DurationsTest, AMergeIsTheSameAsAddingAll) {
  std::mt19937_64 random(3);
  Durations all;
  Durations merged;
  for (int part = 0; part < 20; ++part) {
    Durations some;
    for (int i = 0; i < 50; ++i) {
      const std::uint16_t bucket = Durations::BucketOf(random() % 100000);
      some.Add(bucket);
      all.Add(bucket);
    }
    merged.Merge(some);
  }
  EXPECT_EQ(merged, all);
  EXPECT_EQ(merged.count(), 1000u);
}

TEST(DurationsTest, NothingHasNoPercentile) { EXPECT_EQ(Durations().PercentileNs(0.5), 0); }

}  // namespace
}  // namespace wirespan::gateway::store::rates
