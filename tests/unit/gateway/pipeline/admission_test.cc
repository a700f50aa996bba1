#include "gateway/pipeline/admission.h"

#include <gtest/gtest.h>

#include <utility>

namespace wirespan::gateway {
namespace {

// Room for so many items.
class Room : public Gate {
 public:
  explicit Room(std::uint64_t room, bool blocks = false) : room_(room), blocks_(blocks) {}
  Answer Reserve(std::uint64_t items, std::uint64_t) override {
    if (items <= room_) {
      room_ -= items;
      return {.units = items};
    }
    if (blocks_) return {.verdict = Verdict::kWait, .epoch = epoch_};
    return {.verdict = Verdict::kRefused, .refusal = Outcome::Retry("full")};
  }
  void Release(std::uint64_t units) override {
    room_ += units;
    ++epoch_;
    for (auto& again : std::exchange(waiting_, {})) again();
  }
  void WhenRoom(std::uint64_t epoch, std::function<void()> again) override {
    if (epoch != epoch_) return again();
    waiting_.push_back(std::move(again));
  }
  std::uint64_t room() const { return room_; }

 private:
  std::uint64_t room_;
  const bool blocks_;
  std::uint64_t epoch_ = 0;
  std::vector<std::function<void()>> waiting_{};
};

class AdmissionTest : public ::testing::Test {
 protected:
  std::shared_ptr<Room> wide_ = std::make_shared<Room>(10);
  std::shared_ptr<Room> narrow_ = std::make_shared<Room>(3);
  std::shared_ptr<Room> slow_ = std::make_shared<Room>(0, true);
};

TEST_F(AdmissionTest, WhoIsRefusedAtOneGateHoldsNothingAtTheOthers) {
  Lease lease;
  const Gates gates = {wide_, narrow_};
  const auto refused = lease.Reserve(gates, 4, 100);
  EXPECT_EQ(refused.answer.verdict, Gate::Verdict::kRefused);
  EXPECT_TRUE(refused.answer.refusal.retryable);
  EXPECT_EQ(wide_->room(), 10u);
  EXPECT_EQ(narrow_->room(), 3u);
}

TEST_F(AdmissionTest, WhoWaitsHoldsNothingAndIsToldWhenToTryAgain) {
  Lease lease;
  const Gates gates = {wide_, slow_};
  const auto waiting = lease.Reserve(gates, 4, 100);
  ASSERT_EQ(waiting.answer.verdict, Gate::Verdict::kWait);
  EXPECT_EQ(waiting.at, 1u);
  EXPECT_EQ(wide_->room(), 10u);
  int again = 0;
  slow_->WhenRoom(waiting.answer.epoch, [&] { ++again; });
  EXPECT_EQ(again, 0);
  slow_->Release(4);
  EXPECT_EQ(again, 1);
  EXPECT_EQ(lease.Reserve(gates, 4, 100).answer.verdict, Gate::Verdict::kGranted);
}

TEST_F(AdmissionTest, RoomThatWasGivenBackMeanwhileIsNotMissed) {
  Lease lease;
  const Gates gates = {slow_};
  const auto waiting = lease.Reserve(gates, 1, 1);
  slow_->Release(1);
  bool again = false;
  slow_->WhenRoom(waiting.answer.epoch, [&] { again = true; });
  EXPECT_TRUE(again);
}

TEST_F(AdmissionTest, WhatNoExporterTookIsGivenBackWithTheLease) {
  auto lease = std::make_shared<Lease>();
  const Gates gates = {wide_, narrow_};
  ASSERT_EQ(lease->Reserve(gates, 3, 100).answer.verdict, Gate::Verdict::kGranted);
  EXPECT_TRUE(lease->PassedThrough(*narrow_));
  EXPECT_FALSE(lease->PassedThrough(*slow_));
  lease->Take(*narrow_);
  EXPECT_EQ(narrow_->room(), 3u);
  EXPECT_EQ(wide_->room(), 7u);
  lease.reset();
  EXPECT_EQ(wide_->room(), 10u);
  EXPECT_EQ(narrow_->room(), 3u);
}

TEST_F(AdmissionTest, TwoWaysToOneExporterAreTwoRooms) {
  Lease lease;
  const Gates gates = {wide_, wide_};
  ASSERT_EQ(lease.Reserve(gates, 3, 100).answer.verdict, Gate::Verdict::kGranted);
  EXPECT_EQ(wide_->room(), 4u);
  lease.Take(*wide_);
  EXPECT_EQ(wide_->room(), 7u);
  lease.Take(*wide_);
  lease.Take(*wide_);
  EXPECT_EQ(wide_->room(), 10u);
}

TEST_F(AdmissionTest, ASenderIsEitherAnsweredOrGone) {
  Lease answered;
  EXPECT_TRUE(answered.Answer());
  answered.Withdraw();
  EXPECT_FALSE(answered.withdrawn());

  Lease gone;
  gone.Withdraw();
  EXPECT_TRUE(gone.withdrawn());
  EXPECT_FALSE(gone.Answer());
}

}  // namespace
}  // namespace wirespan::gateway
