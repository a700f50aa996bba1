#include "gateway/pipeline/pipeline_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace wirespan::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(PipelineLedgerTest, WhatEnteredIsDroppedHeldOrPassed) {
  LedgerBook book;
  PipelineLedger& ledger = book.Pipeline("traces");
  ledger.Entered(10);
  ledger.Dropped("filter/health", "filtered", 3);
  ledger.Dropped("filter/health", "filtered", 1);
  ledger.Dropped("filter/health", "filtered", 0);
  ledger.Passed(5);
  ledger.Answered(true, 9);
  ledger.Answered(false, 1);
  const auto snapshot = book.Snapshots().at(0);
  EXPECT_EQ(snapshot.pipeline, "traces");
  EXPECT_THAT(snapshot.dropped, ElementsAre(Pair(Pair("filter/health", "filtered"), 4u)));
  EXPECT_EQ(snapshot.passed, 5u);
  EXPECT_EQ(snapshot.held, 1u);
  EXPECT_EQ(snapshot.accepted, 9u);
  EXPECT_EQ(snapshot.turned_away, 1u);
}

TEST(PipelineLedgerTest, ALaneHoldsWhatHasComeToNoEnd) {
  LedgerBook book;
  ExporterLane& lane = book.Lane("traces", "otlp");
  EXPECT_EQ(&lane, &book.Lane("traces", "otlp"));
  lane.Entered(20);
  lane.Sent(8);
  lane.Rejected(1);
  lane.Refused(2);
  lane.Dropped("failed", 3);
  lane.Dropped("shutdown", 1);
  const auto snapshot = book.Snapshots().at(0).exporters.at(0);
  EXPECT_EQ(snapshot.exporter, "otlp");
  EXPECT_EQ(snapshot.held, 5u);
  EXPECT_THAT(snapshot.dropped, ElementsAre(Pair("failed", 3u), Pair("shutdown", 1u)));
}

TEST(PipelineLedgerTest, HeldIsNeverBelowZeroWhileThingsMove) {
  LedgerBook book;
  ExporterLane& lane = book.Lane("traces", "otlp");
  std::jthread mover([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      lane.Entered(7);
      lane.Dropped("failed", 2);
      lane.Sent(5);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    ASSERT_LT(book.Snapshots().at(0).exporters.at(0).held, 1u << 30) << "a sum went below zero";
  }
}

}  // namespace
}  // namespace wirespan::gateway
