#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/base/bounded_queue.h"
#include "common/base/token_bucket.h"

namespace wirespan {
namespace {

using namespace std::chrono_literals;

TEST(BoundedQueueTest, RefusesBeyondItsCapacityAndLeavesTheItemAlone) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(**queue.TryPop(), 1);
  EXPECT_FALSE(queue.TryPop().has_value());
}

TEST(BoundedQueueTest, GivesBackTheOldestWhenToldToDropIt) {
  BoundedQueue<int> queue(2);
  EXPECT_FALSE(queue.PushDropOldest(1).has_value());
  EXPECT_FALSE(queue.PushDropOldest(2).has_value());
  EXPECT_EQ(queue.PushDropOldest(3), 1);
  queue.Close();
  EXPECT_EQ(queue.PushDropOldest(4), 4);
  EXPECT_EQ(queue.PopSomeFor(10, 0s), (std::vector<int>{2, 3}));
  EXPECT_TRUE(queue.finished());
}

TEST(BoundedQueueTest, CloseWakesWhoWaits) {
  BoundedQueue<int> queue(1);
  queue.TryPush(1);
  std::jthread producer([&] { EXPECT_FALSE(queue.PushFor(2, 1h)); });
  BoundedQueue<int> empty(1);
  std::jthread consumer([&] { EXPECT_FALSE(empty.PopFor(1h).has_value()); });
  queue.Close();
  empty.Close();
}

TEST(BoundedQueueTest, LosesNothingBetweenThreads) {
  constexpr int kEach = 2000;
  BoundedQueue<int> queue(16);
  std::atomic<long> sum = 0;
  {
    std::vector<std::jthread> consumers;
    for (int i = 0; i < 3; ++i) {
      consumers.emplace_back([&] {
        while (!queue.finished()) {
          if (const auto item = queue.PopFor(10ms)) sum += *item;
        }
      });
    }
    {
      std::vector<std::jthread> producers;
      for (int i = 0; i < 3; ++i) {
        producers.emplace_back([&] {
          for (int n = 1; n <= kEach; ++n) {
            while (!queue.PushFor(int{n}, 1s)) {
            }
          }
        });
      }
    }
    queue.Close();
  }
  EXPECT_EQ(sum, 3L * kEach * (kEach + 1) / 2);
}

TEST(TokenBucketTest, LetsTheBurstThroughAndThenTheRate) {
  TokenBucket bucket(10, 2);
  const std::uint64_t start = 5'000'000'000;
  EXPECT_TRUE(bucket.Take(start));
  EXPECT_TRUE(bucket.Take(start));
  EXPECT_FALSE(bucket.Take(start));
  EXPECT_FALSE(bucket.Take(start + 99'000'000));
  EXPECT_TRUE(bucket.Take(start + 101'000'000));
  EXPECT_FALSE(bucket.Take(start));  // time ran backwards
  EXPECT_TRUE(bucket.Take(start + 3'600'000'000'000, 2));
  EXPECT_FALSE(bucket.Take(start + 3'600'000'000'000));
}

}  // namespace
}  // namespace wirespan
