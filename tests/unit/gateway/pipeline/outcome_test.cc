#include "gateway/pipeline/outcome.h"

#include <gtest/gtest.h>

namespace wirespan::gateway {
namespace {

struct Told {
  int times = 0;
  Outcome last{};
  Ack MakeAck() {
    return Ack([this](Outcome outcome) {
      ++times;
      last = std::move(outcome);
    });
  }
};

TEST(AckTest, AnswersOnce) {
  Told told;
  Ack ack = told.MakeAck();
  ack.Answer({});
  ack.Answer(Outcome::Retry("again"));
  EXPECT_EQ(told.times, 1);
  EXPECT_TRUE(told.last.ok());
}

TEST(AckTest, DroppedUnansweredSaysRetryAndNeverOk) {
  Told told;
  {
    Ack ack = told.MakeAck();
  }
  EXPECT_EQ(told.times, 1);
  EXPECT_FALSE(told.last.ok());
  EXPECT_TRUE(told.last.retryable);
}

TEST(AckTest, OverwrittenUnansweredSaysRetry) {
  Told told;
  Ack ack = told.MakeAck();
  ack = Ack();
  EXPECT_TRUE(told.last.retryable);
}

TEST(AckTest, MovedFromDoesNotAnswer) {
  Told told;
  Ack first = told.MakeAck();
  Ack second = std::move(first);
  first = Ack();
  EXPECT_EQ(told.times, 0);
  second.Answer({});
  EXPECT_EQ(told.times, 1);
}

TEST(ForkAckTest, IsOkOnlyAfterEveryForkIsOk) {
  Told told;
  auto forks = ForkAck(told.MakeAck(), 3);
  forks[0].Answer({});
  forks[2].Answer({});
  EXPECT_EQ(told.times, 0);
  forks[1].Answer({});
  EXPECT_EQ(told.times, 1);
  EXPECT_TRUE(told.last.ok());
}

TEST(ForkAckTest, PrefersRetryOverRefusalOverOk) {
  Told told;
  auto forks = ForkAck(told.MakeAck(), 3);
  forks[0].Answer(Outcome::Reject(StatusCode::kInvalidArgument, "no"));
  forks[1].Answer(Outcome::Retry("later"));
  forks[2].Answer({});
  EXPECT_TRUE(told.last.retryable);
  EXPECT_EQ(told.last.message, "later");

  auto two = ForkAck(told.MakeAck(), 2);
  two[0].Answer({});
  two[1].Answer(Outcome::Reject(StatusCode::kInvalidArgument, "no"));
  EXPECT_EQ(told.last.code, StatusCode::kInvalidArgument);
  EXPECT_FALSE(told.last.retryable);
}

TEST(ForkAckTest, RejectedItemsOfPartsAddUpAndTheFirstSentenceStays) {
  for (const Forks forked : {Forks::kParts, Forks::kCopies}) {
    Told told;
    auto forks = ForkAck(told.MakeAck(), 3, forked);
    forks[0].Answer({});
    forks[1].Answer({.message = "too old", .rejected_items = 2});
    forks[2].Answer({.message = "too new", .rejected_items = 3});
    EXPECT_TRUE(told.last.ok());
    EXPECT_EQ(told.last.rejected_items, forked == Forks::kParts ? 5u : 3u);
    EXPECT_EQ(told.last.message, "too old");
  }
}

TEST(ForkAckTest, OfNothingIsOkAtOnce) {
  Told told;
  EXPECT_TRUE(ForkAck(told.MakeAck(), 0).empty());
  EXPECT_TRUE(told.last.ok());
}

TEST(MergeAcksTest, AnswersAllAlikeWithoutRejectedCounts) {
  Told first;
  Told second;
  std::vector<Ack> acks;
  acks.push_back(first.MakeAck());
  acks.push_back(second.MakeAck());
  Ack merged = MergeAcks(std::move(acks));
  Outcome partial;
  partial.rejected_items = 5;
  merged.Answer(partial);
  EXPECT_TRUE(first.last.ok());
  EXPECT_TRUE(second.last.ok());
  EXPECT_EQ(second.last.rejected_items, 0u);
}

}  // namespace
}  // namespace wirespan::gateway
