#include "gateway/sink/queue_gate.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wirespan::gateway {
namespace {

using std::chrono::seconds;
using Verdict = Gate::Verdict;

TEST(QueueGateTest, CountsInTheUnitOfItsSizer) {
  QueueGate requests("out", {.queue_size = 2});
  QueueGate items("out", {.queue_size = 10, .sizer = Sizer::kItems});
  QueueGate bytes("out", {.queue_size = 100, .sizer = Sizer::kBytes});
  for (QueueGate* gate : {&requests, &items, &bytes}) {
    EXPECT_EQ(gate->Reserve(5, 50).verdict, Verdict::kGranted);
    EXPECT_EQ(gate->Reserve(5, 50).verdict, Verdict::kGranted);
    const auto refused = gate->Reserve(5, 50);
    EXPECT_EQ(refused.verdict, Verdict::kRefused);
    EXPECT_TRUE(refused.refusal.retryable);
  }
}

TEST(QueueGateTest, WhatIsLargerThanTheQueueIsLetIntoAnEmptyOne) {
  QueueGate gate("out", {.queue_size = 10, .sizer = Sizer::kItems});
  const auto large = gate.Reserve(1000, 1);
  EXPECT_EQ(large.verdict, Verdict::kGranted);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kRefused);
  gate.Release(large.units);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
  EXPECT_EQ(gate.Reserve(1000, 1).verdict, Verdict::kRefused);
}

QueueGate::Clock::time_point now{seconds(1000)};

TEST(QueueGateTest, TheLongerItIsFullTheLongerTheDelay) {
  QueueGate gate("out", {.queue_size = 1}, {}, [] { return now; });
  const auto held = gate.Reserve(1, 1);
  EXPECT_EQ(gate.Reserve(1, 1).refusal.retry_after, seconds(1));
  now += seconds(7);
  EXPECT_EQ(gate.Reserve(1, 1).refusal.retry_after, seconds(7));
  now += seconds(3600);
  EXPECT_EQ(gate.Reserve(1, 1).refusal.retry_after, seconds(30));
  gate.Release(held.units);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
  EXPECT_EQ(gate.Reserve(1, 1).refusal.retry_after, seconds(1));
}

TEST(QueueGateTest, HoldsSendersBackWithBlockOnOverflow) {
  QueueGate gate("out", {.queue_size = 1, .block_on_overflow = true});
  const auto held = gate.Reserve(1, 1);
  const auto waiting = gate.Reserve(1, 1);
  ASSERT_EQ(waiting.verdict, Verdict::kWait);
  int again = 0;
  gate.WhenRoom(waiting.epoch, [&] { ++again; });
  EXPECT_EQ(again, 0);
  gate.Release(held.units);
  EXPECT_EQ(again, 1);
}

TEST(QueueGateTest, DownLetsOneInWhenTheDelayIsOver) {
  QueueGate gate("out", {}, {}, [] { return now; });
  gate.Down(now + seconds(60));
  const auto refused = gate.Reserve(1, 1);
  EXPECT_EQ(refused.verdict, Verdict::kRefused);
  EXPECT_EQ(refused.refusal.retry_after, seconds(60));
  now += seconds(60);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kRefused);
  gate.Up();
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
}

TEST(QueueGateTest, ShutRefusesAndWakesWhoWaits) {
  QueueGate gate("out", {.queue_size = 1, .block_on_overflow = true});
  (void)gate.Reserve(1, 1);
  bool again = false;
  gate.WhenRoom(gate.Reserve(1, 1).epoch, [&] { again = true; });
  gate.Shut();
  EXPECT_TRUE(again);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kRefused);
}

TEST(QueueGateTest, WhatLiesOnDiskCountsToo) {
  std::uint64_t stored = 9;
  QueueGate gate("out", {.queue_size = 10}, [&] { return stored; });
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kRefused);
  stored = 8;
  EXPECT_EQ(gate.Reserve(1, 1).verdict, Verdict::kGranted);
  EXPECT_FALSE(gate.over());
  stored = 9;
  EXPECT_TRUE(gate.over());
}

}  // namespace
}  // namespace wirespan::gateway
