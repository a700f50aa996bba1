#include "common/queue/byte_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace wirespan::queue {
namespace {

TEST(ByteQueueTest, GivesItemsInOrder) {
  ByteQueue<std::string> queue(100);
  EXPECT_TRUE(queue.Push("a", 10).empty());
  EXPECT_TRUE(queue.Push("b", 20).empty());
  EXPECT_EQ(queue.Pop(), std::pair(std::string("a"), std::size_t{10}));
  EXPECT_EQ(queue.waiting_bytes(), 20u);
  EXPECT_EQ(queue.held_bytes(), 30u);
  queue.Release(10);
  EXPECT_EQ(queue.held_bytes(), 20u);
  EXPECT_EQ(queue.Pop()->first, "b");
  EXPECT_FALSE(queue.Pop().has_value());
}

TEST(ByteQueueTest, DropsTheOldestThatWaitsWhenFull) {
  ByteQueue<std::string> queue(100);
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(queue.Push(name, 30).empty());
  EXPECT_EQ(queue.Push("d", 50), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue.Pop()->first, "c");
  EXPECT_EQ(queue.Pop()->first, "d");
}

TEST(ByteQueueTest, WhatIsInFlightCountsAndIsNotDropped) {
  ByteQueue<std::string> queue(100);
  EXPECT_TRUE(queue.Push("a", 60).empty());
  ASSERT_TRUE(queue.Pop().has_value());
  EXPECT_EQ(queue.Push("b", 60), std::vector<std::string>{"b"});
  EXPECT_TRUE(queue.Push("c", 40).empty());
  queue.Release(60);
  EXPECT_TRUE(queue.Push("d", 60).empty());
  EXPECT_EQ(queue.Push("e", 101), std::vector<std::string>{"e"});
  EXPECT_EQ(queue.held_bytes(), 100u);
}

}  // namespace
}  // namespace wirespan::queue
