#include "gateway/pipeline/memory_governor.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

#include "common/base/memory_limit.h"
#include "gateway/pipeline/memory_limiter.h"

namespace wirespan::gateway {
namespace {

constexpr std::uint64_t kMib = 1 << 20;

TEST(MemoryGovernorTest, AdmitsHalfOfWhatIsMissing) {
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, 200 * kMib);
  governor.Look(90 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 45 * kMib);  // of 180 MiB, 10 % below the ceiling
  const auto lease = budget->Lease(45 * kMib);
  ASSERT_TRUE(lease);
  governor.Look(150 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 60 * kMib);
}

// Memory that was promised a moment ago can't be seen in the process yet: it is not there twice.
TEST(MemoryGovernorTest, PromisesNothingASecondTimeBecauseItHasNotComeYet) {
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, 200 * kMib);
  governor.Look(20 * kMib);
  ASSERT_EQ(budget->limit_bytes(), 80 * kMib);
  auto coming = budget->Promise(60 * kMib);
  ASSERT_TRUE(coming);
  EXPECT_EQ(budget->promised_bytes(), 60 * kMib);
  governor.Look(20 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 80 * kMib);
  EXPECT_FALSE(budget->Promise(21 * kMib));
  coming.reset();
  EXPECT_EQ(budget->promised_bytes(), 0u);
  const auto arrived = budget->Lease(60 * kMib);
  governor.Look(80 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 110 * kMib);
}

TEST(MemoryGovernorTest, AdmitsNothingMoreAboveItsTarget) {
  auto budget = MemoryBudget::Create(100 * kMib);
  const auto lease = budget->Lease(60 * kMib);
  MemoryGovernor governor(budget, 200 * kMib);
  governor.Look(200 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 40 * kMib);
  EXPECT_FALSE(budget->Lease(1));
}

TEST(MemoryGovernorTest, NeverStopsForMemoryThatNobodyGivesBack) {
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, 200 * kMib);
  governor.Look(30 * kMib);
  governor.Look(1000 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 150 * kMib / 16);  // of 180 - 30
}

TEST(MemoryGovernorTest, AsksForATrimOnlyIfMuchIsKeptForNothing) {
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, 200 * kMib);
  EXPECT_FALSE(governor.Look(30 * kMib));  // the program itself
  EXPECT_TRUE(governor.Look(170 * kMib));  // full, and nothing is in use
  EXPECT_FALSE(governor.Look(100 * kMib));
  budget->SetLimit(200 * kMib);
  const auto lease = budget->Lease(120 * kMib);
  EXPECT_FALSE(governor.Look(170 * kMib));  // it is in use
  EXPECT_TRUE(governor.Look(190 * kMib));   // above the target less has to be kept
}

TEST(MemoryGovernorTest, KeepsToTheMostItIsGiven) {
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, 2000 * kMib, 10 * kMib);
  governor.Look(30 * kMib);
  EXPECT_EQ(budget->limit_bytes(), 10 * kMib);
}

// Whatever a byte costs, up to twice its size, and however much arrives between two looks.
TEST(MemoryGovernorTest, NearsTheCeilingFromBelowWhateverAByteCosts) {
  std::mt19937 random(5);
  for (const double cost : {1.0, 1.3, 2.0}) {
    auto budget = MemoryBudget::Create(0);
    MemoryGovernor governor(budget, 500 * kMib);
    std::deque<std::shared_ptr<const void>> held;
    const auto resident = [&] {
      return 40 * kMib +
             static_cast<std::uint64_t>(cost * static_cast<double>(budget->used_bytes()));
    };
    for (int look = 0; look < 100; ++look) {
      governor.Look(resident());
      for (;;) {  // nobody takes anything away
        auto lease = budget->Lease(random() % kMib + 1);
        if (!lease) break;
        held.push_back(std::move(lease));
      }
      ASSERT_LE(resident(), 500 * kMib);
    }
    EXPECT_GT(resident(), 425 * kMib);  // and the memory there is gets used
  }
}

// With real memory: requests that no exporter takes, of the sizes that there are.
TEST(MemoryGovernorTest, HoldsTheResidentMemoryOfAProcessWhoseExporterIsBlocked) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan keeps some bytes of its own for each byte that is touched";
#endif
  const std::uint64_t before = ResidentBytes();
  ASSERT_GT(before, 0u);
  const std::uint64_t ceiling = before + 200 * kMib;
  auto budget = MemoryBudget::Create(0);
  MemoryGovernor governor(budget, ceiling);
  struct Held {
    std::string bytes;
    std::shared_ptr<const void> lease;
  };
  std::deque<Held> held;
  std::mt19937 random(6);
  std::uint64_t most = 0;
  for (int look = 0; look < 60; ++look) {
    governor.Look(ResidentBytes());
    for (;;) {
      const std::size_t size = random() % 8 == 0 ? random() % (4 * kMib) : random() % 20000;
      auto lease = budget->Lease(size + 1);
      if (!lease) break;
      held.push_back({std::string(size + 1, 'x'), std::move(lease)});
    }
    most = std::max(most, ResidentBytes());
  }
  EXPECT_LE(most, ceiling + ceiling / 10);
  EXPECT_GT(budget->used_bytes(), 40 * kMib);
}

TEST(MemoryLimiterTest, PrefersTheSizeToThePercentage) {
  EXPECT_EQ(CeilingBytes({.limit_bytes = 5 * kMib, .limit_percentage = 80}, 100 * kMib), 5 * kMib);
  EXPECT_EQ(CeilingBytes({.limit_bytes = 0, .limit_percentage = 80}, 100 * kMib), 80 * kMib);
}

}  // namespace
}  // namespace wirespan::gateway
