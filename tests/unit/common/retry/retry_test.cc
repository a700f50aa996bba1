#include <gtest/gtest.h>

#include <set>

#include "common/retry/backoff.h"
#include "common/retry/retry_after.h"

namespace wirespan::retry {
namespace {

using namespace std::chrono_literals;

TEST(BackoffTest, DoublesWithASpreadUpToItsMaximum) {
  const BackoffOptions options{1000ms, 8000ms, 0ms};
  std::set<std::int64_t> first;
  double sums[6] = {};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(options, seed);
    for (int i = 0; i < 6; ++i) {
      const auto delay = backoff.Next(0);
      const std::int64_t base = std::min(1000 << i, 8000);
      EXPECT_GE(delay.count(), base / 2);
      EXPECT_LE(delay.count(), base * 3 / 2);
      sums[i] += static_cast<double>(delay.count());
      if (i == 0) first.insert(delay.count());
    }
  }
  EXPECT_GT(first.size(), 100u);  // spread, not steps
  for (int i = 1; i < 4; ++i) EXPECT_NEAR(sums[i] / sums[i - 1], 2.0, 0.25);
  EXPECT_NEAR(sums[5] / sums[4], 1.0, 0.15);
}

TEST(BackoffTest, HonoursWhatThePeerAsksAndStartsAgainAfterReset) {
  Backoff backoff({10ms, 20ms, 0ms}, 1);
  EXPECT_EQ(backoff.Next(0, 3000ms), 3000ms);
  for (int i = 0; i < 100; ++i) EXPECT_LE(backoff.Next(0), 30ms);
  EXPECT_EQ(backoff.failures(), 101);
  backoff.Reset();
  EXPECT_LE(backoff.Next(0), 15ms);
}

TEST(BackoffTest, GivesUpWhenTheTimeWouldBeOver) {
  Backoff backoff({1000ms, 1000ms, 5000ms}, 1);
  std::uint64_t now = 77'000'000'000;
  EXPECT_GE(backoff.Next(now), 0ms);
  EXPECT_LT(backoff.Next(now, 6000ms), 0ms);
  EXPECT_GE(backoff.Next(now + 2'000'000'000), 0ms);
  EXPECT_LT(backoff.Next(now + 4'900'000'000), 0ms);
}

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::uint64_t kThen = 784111777ull * 1'000'000'000;

TEST(RetryAfterTest, ReadsSecondsAndAllThreeDates) {
  EXPECT_EQ(ParseRetryAfter("120", kThen), 120s);
  EXPECT_EQ(ParseRetryAfter(" 0 ", kThen), 0s);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:47 GMT", kThen), 10s);
  EXPECT_EQ(ParseRetryAfter("Sunday, 06-Nov-94 08:49:47 GMT", kThen), 10s);
  EXPECT_EQ(ParseRetryAfter("Sun Nov  6 08:49:47 1994", kThen), 10s);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:38 GMT", kThen + 400'000'000), 600ms);
}

TEST(RetryAfterTest, ThePastIsNowAndGarbageIsNothing) {
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:00:00 GMT", kThen), 0s);
  for (const char* bad : {"", "-1", "1.5", "soon", "Sun, 06 Nov 1994",
                          "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseRetryAfter(bad, kThen), std::nullopt) << bad;
  }
}

TEST(RetryAfterTest, NothingPassesADay) {
  EXPECT_EQ(ParseRetryAfter("99999999", kThen), 24h);
  EXPECT_EQ(ParseRetryAfter("999999999999999999999999999", kThen), 24h);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 2094 08:49:37 GMT", kThen), 24h);
}

}  // namespace
}  // namespace wirespan::retry
