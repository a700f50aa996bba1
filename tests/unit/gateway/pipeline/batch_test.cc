#include "gateway/pipeline/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/pipeline/memory_budget.h"
#include "tests/unit/gateway/pipeline/collected.h"

namespace wirespan::gateway {
namespace {

TEST(BytesTest, JoinsWithoutCopying) {
  Bytes joined(std::string("abc"));
  const char* where = joined.pieces().front().view.data();
  Bytes copy = joined;
  copy.Append(Bytes(std::string("def")));
  EXPECT_EQ(copy.size(), 6u);
  EXPECT_EQ(copy.ToString(), "abcdef");
  EXPECT_EQ(copy.pieces().front().view.data(), where);
  EXPECT_EQ(joined.size(), 3u);
}

TEST(FanOutTest, SharesBytesAndWaitsForAll) {
  Collected one;
  Collected two;
  FanOut fan({&one, &two});
  int times = 0;
  Outcome told;
  fan.Consume(MakeBatch(2, &told, &times));
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_EQ(one.at(0).bytes.pieces()[0].view.data(), two.at(0).bytes.pieces()[0].view.data());
  one.at(0).ack.Answer({});
  EXPECT_EQ(times, 0);
  two.at(0).ack.Answer({});
  EXPECT_EQ(times, 1);
  EXPECT_TRUE(told.ok());
}

TEST(MemoryBudgetTest, RefusesBeyondItsLimitAndCountsCopiesOnce) {
  auto budget = MemoryBudget::Create(100);
  auto lease = budget->Lease(60);
  ASSERT_TRUE(lease);
  auto copy = lease;
  EXPECT_EQ(budget->used_bytes(), 60u);
  EXPECT_FALSE(budget->Lease(41));
  EXPECT_TRUE(budget->Lease(40));
  lease.reset();
  EXPECT_EQ(budget->used_bytes(), 60u);
  copy.reset();
  EXPECT_EQ(budget->used_bytes(), 0u);
  EXPECT_FALSE(budget->Lease(static_cast<std::size_t>(-1)));
}

}  // namespace
}  // namespace wirespan::gateway
