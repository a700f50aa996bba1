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

}  // namespace
}  // namespace wirespan::app
