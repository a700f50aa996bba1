#include "agent/kernel/kernel_counts.h"

#include <gtest/gtest.h>

namespace wirespan::kernel {
namespace {

ProgramCost Missed(const char* program, std::uint64_t runs) {
  return {.program = program, .recursion_misses = runs};
}

TEST(KernelCountsTest, WhatAProgramMissedAloneIsLost) {
  std::vector<ProgramCost> programs{Missed("socket_sent", 3), Missed("process_exit", 2)};
  EXPECT_EQ(MissedForGood(programs), 5u);
  EXPECT_EQ(programs[0].recursion_misses, 3u);
}

TEST(KernelCountsTest, ASecondProgramMakesUpForItsFirst) {
  std::vector<ProgramCost> programs{Missed("socket_sent", 30), Missed("socket_sent_again", 1),
                                    Missed("socket_received", 4)};
  EXPECT_EQ(MissedForGood(programs), 5u);
  EXPECT_EQ(programs[0].recursion_misses, 0u);
  EXPECT_EQ(programs[1].recursion_misses, 1u);
}

TEST(KernelCountsTest, OneSecondProgramMayServeMany) {
  std::vector<ProgramCost> programs{Missed("tcp_sent", 7), Missed("unix_sent", 7),
                                    Missed("tcp_spliced", 2), Missed("unsent", 1),
                                    Missed("sent_again", 0)};
  EXPECT_EQ(MissedForGood(programs), 3u);
  EXPECT_EQ(programs[2].recursion_misses, 2u);
}

}  // namespace
}  // namespace wirespan::kernel
