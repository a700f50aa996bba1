#include "agent/app/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wirespan::app {
namespace {

TEST(ExplanationTest, SaysWhatTheKernelLostAndNothingOfWhatItDidNot) {
  kernel::SourceStatus status{};
  status.counts = {{"seen", "", 100, 5000},
                   {"dropped", "ring_full", 2, 300},
                   {"dropped", "nested", 0, 0},
                   {"missed", "recursion", 7, 0}};
  Explanation explanation{};
  AddKernelNotes(status, explanation);
  EXPECT_THAT(
      explanation.notes,
      testing::ElementsAre(testing::AllOf(testing::StartsWith("2 calls lost because"),
                                          testing::EndsWith("(300 bytes)")),
                           testing::AllOf(testing::StartsWith("7 runs of a BPF program left out"),
                                          testing::EndsWith("is lost"))));
}

TEST(ExplanationTest, TakesNoNumberThatFitsNoCount) {
  EXPECT_TRUE(ExplanationFromJson(R"({"processes":[{"pid":7,"connections":3}]})"));
  EXPECT_FALSE(ExplanationFromJson(R"({"processes":[{"pid":7e40}]})"));
  EXPECT_FALSE(ExplanationFromJson(R"({"processes":[{"listening":[80.5]}]})"));
  EXPECT_FALSE(ExplanationFromJson(R"({"processes":[{"connections":98765432109876543210987}]})"));
}

}  // namespace
}  // namespace wirespan::app
