// Every exchange counts once, whoever tells of it, in whatever order.
#include "gateway/sink/store/red/red_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "gateway/sink/store/rates/series.h"
#include "tests/unit/gateway/sink/store/red/reports.h"

namespace wirespan::gateway::store::red {
namespace {

using testing::AgentBounds;
using testing::kStartNs;
using testing::ReportBytes;
using testing::TestPoint;
using testing::TestReport;

constexpr std::uint64_t kS = 1'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;

class RedLedgerTest : public ::testing::Test {
 protected:
  RedLedgerTest() { ledger_.Begin(kStartNs); }

  // A span that ended at `end_ns`; 20 ms, so in the bucket 2.
  bool Span(std::uint64_t end_ns, std::string_view operation = "GET", bool error = false,
            std::uint64_t duration_ns = 20 * kMs) {
    const bool counts = ledger_.CountSpan({.instance = "one",
                                           .service = "shop",
                                           .operation = operation,
                                           .error = error,
                                           .end_ns = end_ns,
                                           .duration_ns = duration_ns},
                                          end_ns + kS);
    if (counts) ++spans_;
    return counts;
  }
  void Take(const TestReport& report) {
    const RedReport read = ReadRedReport(ReportBytes(report));
    std::uint64_t now_ns = kStartNs;
    for (const TestPoint& point : report.points) now_ns = std::max(now_ns, point.time_ns);
    ledger_.Take(read.families, now_ns, [this](const Residual& residual) {
      residuals_ += residual.durations.count();
      last_from_ns_ = residual.from_ns;
      last_ = residual.durations;
      by_operation_[std::string(residual.operation)] += residual.durations.count();
    });
  }
  // So many of 20 ms since the start, told at `time_ns`.
  void Tell(std::uint64_t count, std::uint64_t time_ns, std::uint64_t start_ns = kStartNs) {
    Take({.points = {{.start_ns = start_ns, .time_ns = time_ns, .counts = {0, 0, count}}}});
  }
  std::uint64_t counted() const { return spans_ + residuals_; }

  RedLedger ledger_{};
  std::uint64_t spans_ = 0;
  std::uint64_t residuals_ = 0;
  std::uint64_t last_from_ns_ = 0;
  rates::Durations last_{};
  std::map<std::string, std::uint64_t> by_operation_{};
};

TEST_F(RedLedgerTest, SpansCountUntilTheMetricSaysMore) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Span(kStartNs + kS));
  Tell(100, kStartNs + 10 * kS);
  EXPECT_EQ(counted(), 100u);
  EXPECT_EQ(residuals_, 90u);
  EXPECT_FALSE(Span(kStartNs + 5 * kS));  // comes late; the metric has it
  EXPECT_TRUE(Span(kStartNs + 11 * kS));
  Tell(101, kStartNs + 20 * kS);
  EXPECT_EQ(counted(), 101u);
}

TEST_F(RedLedgerTest, WithoutAMetricAllSpansCount) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Span(kStartNs - 3600 * kS));
}

TEST_F(RedLedgerTest, AnExchangeRecordedAfterThePointIsConfirmedByTheNext) {
  EXPECT_TRUE(Span(kStartNs + 10 * kS - kMs));  // ended before 10 s, and is not in that point
  Tell(0, kStartNs + 10 * kS);
  Tell(1, kStartNs + 20 * kS);
  EXPECT_EQ(counted(), 1u);
  EXPECT_FALSE(Span(kStartNs + 20 * kS - kMs));  // the same, and its span is late
  Tell(2, kStartNs + 30 * kS);
  EXPECT_EQ(counted(), 2u);
}

TEST_F(RedLedgerTest, PointsThatComeTwiceOrLateCountOnce) {
  Tell(10, kStartNs + 10 * kS);
  Tell(30, kStartNs + 30 * kS);
  Tell(20, kStartNs + 20 * kS);
  Tell(30, kStartNs + 30 * kS);
  EXPECT_EQ(counted(), 30u);
  EXPECT_EQ(ledger_.counts().late, 2u);
  Tell(40, kStartNs + 40 * kS);
  EXPECT_EQ(counted(), 40u);
  EXPECT_EQ(last_from_ns_, kStartNs + 30 * kS);
}

TEST_F(RedLedgerTest, AnAgentThatStartsAgainCountsFromZero) {
  Tell(10, kStartNs + 10 * kS);
  Tell(4, kStartNs + 30 * kS, kStartNs + 20 * kS);
  EXPECT_EQ(counted(), 14u);
  EXPECT_EQ(last_from_ns_, kStartNs + 20 * kS);
  Tell(12, kStartNs + 31 * kS);  // of the one before: late
  EXPECT_EQ(counted(), 14u);
  Tell(3, kStartNs + 40 * kS, kStartNs + 20 * kS);  // less than before, without a new start
  EXPECT_EQ(counted(), 17u);
}

TEST_F(RedLedgerTest, DeltasAreAddedUp) {
  const auto tell = [&](std::uint64_t from, std::uint64_t to, std::uint64_t count) {
    Take({.temporality = 1,
          .points = {{.start_ns = kStartNs + from * kS,
                      .time_ns = kStartNs + to * kS,
                      .counts = {0, 0, count}}}});
  };
  Span(kStartNs + kS);
  tell(0, 10, 5);
  tell(10, 20, 7);
  EXPECT_EQ(counted(), 12u);
  tell(10, 20, 7);
  tell(15, 25, 7);  // overlaps
  EXPECT_EQ(counted(), 12u);
  EXPECT_EQ(ledger_.counts().late, 2u);
  tell(30, 40, 1);
  EXPECT_EQ(counted(), 13u);
}

TEST_F(RedLedgerTest, WhatWasCountedBeforeTheLedgerIsNotItsToCount) {
  Tell(1000, kStartNs + 10 * kS, kStartNs - 86400 * kS);
  EXPECT_EQ(counted(), 0u);
  EXPECT_EQ(ledger_.counts().before, 1u);
  Tell(1007, kStartNs + 20 * kS, kStartNs - 86400 * kS);
  EXPECT_EQ(counted(), 7u);
}

TEST_F(RedLedgerTest, WhatIsTooFarAheadIsNotTaken) {
  const RedReport report =
      ReadRedReport(ReportBytes({.points = {{.time_ns = kStartNs + 7200 * kS, .counts = {1}}}}));
  ledger_.Take(report.families, kStartNs, [](const Residual&) { FAIL(); });
  EXPECT_EQ(ledger_.counts().future, 1u);
  EXPECT_TRUE(Span(kStartNs + kS));
}

TEST_F(RedLedgerTest, GroupsAndInstancesAreApart) {
  Span(kStartNs + kS, "GET");
  Span(kStartNs + kS, "POST");
  Span(kStartNs + kS, "POST", true);
  Take({.points = {{.counts = {0, 0, 3}},
                   {.texts = {{"http.request.method", "POST"}, {"error.type", "500"}},
                    .counts = {0, 0, 2}}}});
  EXPECT_EQ(by_operation_["GET"], 2u);
  EXPECT_EQ(by_operation_["POST"], 1u);
  Take({.instance = "two", .points = {{.counts = {0, 0, 3}}}});
  EXPECT_EQ(by_operation_["GET"], 5u);
  // Two series of one group: 200 and 404 of a server are both no error.
  Take({.points = {
            {.texts = {{"http.request.method", "GET"}, {"status", "404"}}, .counts = {0, 0, 4}}}});
  EXPECT_EQ(by_operation_["GET"], 9u);
}

TEST_F(RedLedgerTest, AnOverflowConfirmsAnySpan) {
  Span(kStartNs + kS, "GET");
  Span(kStartNs + kS, "POST");
  Take({.points = {{.texts = {}, .overflow = true, .counts = {0, 0, 5}}, {.counts = {0, 0, 1}}}});
  EXPECT_EQ(counted(), 6u);
  EXPECT_EQ(by_operation_[rates::kOther], 4u);
}

TEST_F(RedLedgerTest, DurationsLieAsThoseOfSpansDo) {
  Span(kStartNs + kS, "GET", false, 12 * kMs);
  Take({.points = {{.counts = {0, 0, 101, 10}}}});
  ASSERT_EQ(last_.count(), 110u);
  EXPECT_NEAR(last_.PercentileNs(0.5), 12e6, 12e6 * 0.02);  // as the one span in (10, 25] ms
  EXPECT_GT(last_.PercentileNs(0.95), 25e6);                // evenly in (25, 50] ms
  EXPECT_LE(last_.PercentileNs(1), 51e6);
}

TEST_F(RedLedgerTest, OtherBucketsThanBeforeKeepTheSum) {
  Span(kStartNs + kS);
  Span(kStartNs + kS);
  Tell(2, kStartNs + 10 * kS);
  Span(kStartNs + 11 * kS);
  std::vector<RedFamily> families = ReadRedReport(ReportBytes({.points = {{}}})).families;
  families[0].bounds = {1};
  families[0].points[0].time_ns = kStartNs + 20 * kS;
  families[0].points[0].counts = {{0, 5}};
  ledger_.Take(families, kStartNs + 20 * kS,
               [this](const Residual& residual) { residuals_ += residual.durations.count(); });
  EXPECT_EQ(counted(), 5u);
}

TEST_F(RedLedgerTest, WhatThereIsNoRoomForIsCounted) {
  RedLedger small(RedLedger::Limits{.families = 1, .groups = 1, .streams = 1});
  small.Begin(kStartNs);
  const auto take = [&](const TestReport& report) {
    std::uint64_t sum = 0;
    small.Take(ReadRedReport(ReportBytes(report)).families, kStartNs,
               [&](const Residual& residual) { sum += residual.durations.count(); });
    return sum;
  };
  EXPECT_EQ(take({.points = {{.counts = {1}}, {.texts = {}, .counts = {1}}}}), 1u);
  EXPECT_EQ(take({.instance = "two", .points = {{.counts = {1}}}}), 0u);
  EXPECT_EQ(small.counts().full, 2u);
}

TEST_F(RedLedgerTest, ItsChangesLeadToTheSameState) {
  std::mt19937_64 random(3);
  RedLedger loaded;
  std::vector<std::string> changes;
  std::uint64_t told = 0;
  for (std::uint64_t round = 1; round < 60; ++round) {
    const std::uint64_t now_ns = kStartNs + round * kS;
    for (std::uint64_t i = random() % 5; i > 0; --i, ++told) Span(now_ns - random() % kS);
    if (round % 3 == 0) Tell(told += random() % 4, now_ns);
    changes.push_back(ledger_.TakeChanges());
    if (changes.back().empty()) changes.pop_back();
  }
  for (const std::string& each : changes) ASSERT_TRUE(loaded.Load(each));
  RedLedger merged;
  ASSERT_TRUE(merged.Load(RedLedger::Merge(changes, kStartNs + 60 * kS)));
  for (RedLedger* other : {&ledger_, &loaded, &merged}) {
    std::uint64_t more = 0;
    other->Take(
        ReadRedReport(
            ReportBytes({.points = {{.time_ns = kStartNs + 90 * kS, .counts = {0, 0, told + 5}}}}))
            .families,
        kStartNs + 90 * kS, [&](const Residual& residual) { more += residual.durations.count(); });
    EXPECT_EQ(counted() + more, told + 5);
    EXPECT_FALSE(other->CountSpan(
        {.instance = "one", .service = "shop", .operation = "GET", .end_ns = kStartNs + 80 * kS},
        kStartNs + 91 * kS));
  }
  // What is old is left out of a merge, and what is cut off is told.
  const std::string old = RedLedger::Merge(changes, kStartNs + 2 * 86400 * kS);
  EXPECT_LT(old.size(), 20u);
  for (std::size_t cut = 1; cut < changes[0].size(); ++cut) {
    RedLedger cut_off;
    (void)cut_off.Load(std::string_view(changes[0]).substr(0, cut));
  }
}

// A load of exchanges that an agent counts and samples, whose spans and points take any way.
TEST_F(RedLedgerTest, InAnyOrderTheSumIsTheMetrics) {
  for (const unsigned sampled : {0u, 10u, 100u}) {
    std::mt19937_64 random(sampled + 1);
    RedLedger ledger;
    ledger.Begin(kStartNs);
    std::vector<std::uint64_t> buckets(AgentBounds().size() + 1);
    struct Late {
      std::uint64_t at_ns, end_ns, duration_ns;
    };
    std::vector<Late> spans;
    std::uint64_t counted = 0;
    std::uint64_t truth = 0;
    std::vector<std::uint64_t> seen(buckets.size());
    for (std::uint64_t step = 1; step <= 400; ++step) {
      const std::uint64_t now_ns = kStartNs + step * 100 * kMs;
      if (step <= 350) {
        for (std::uint64_t i = random() % 20; i > 0; --i, ++truth) {
          const std::uint64_t duration_ns = kMs + random() % (800 * kMs);
          const double seconds = static_cast<double>(duration_ns) * 1e-9;
          ++buckets[static_cast<std::size_t>(
              std::lower_bound(AgentBounds().begin(), AgentBounds().end(), seconds) -
              AgentBounds().begin())];
          if (random() % 100 < sampled) {
            // Ended up to 50 ms before it was recorded; its span is up to 8 s late.
            spans.push_back(
                {now_ns + random() % (8 * kS), now_ns - random() % (50 * kMs), duration_ns});
          }
        }
      }
      std::erase_if(spans, [&](const Late& span) {
        if (span.at_ns > now_ns) return false;
        const bool counts = ledger.CountSpan({.instance = "one",
                                              .service = "shop",
                                              .operation = "GET",
                                              .end_ns = span.end_ns,
                                              .duration_ns = span.duration_ns},
                                             now_ns);
        if (counts) ++counted;
        return true;
      });
      if (step % 50 == 0) {
        const auto report =
            ReadRedReport(ReportBytes({.points = {{.time_ns = now_ns, .counts = buckets}}}));
        ledger.Take(report.families, now_ns,
                    [&](const Residual& residual) { counted += residual.durations.count(); });
        ASSERT_GE(counted, truth) << sampled << " " << step;
        if (step > 350) {
          EXPECT_EQ(counted, truth) << sampled;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wirespan::gateway::store::red
