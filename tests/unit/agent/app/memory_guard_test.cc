#include "agent/app/memory_guard.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace wirespan::app {
namespace {

using connection::Pressure;

TEST(MemoryGuardTest, SaysWhatMustGoAndStaysAtItForAWhile) {
  telemetry::Registry registry;
  std::uint64_t used = 0;
  int trims = 0;
  MemoryGuard guard(100 << 20, [&] { return used; }, [&] { ++trims; }, registry);
  std::uint64_t now_ns = 10'000'000'000;
  const auto at = [&](std::uint64_t mib) {
    used = mib << 20;
    now_ns += 50'000'000;
    return guard.Look(now_ns);
  };
  EXPECT_EQ(at(79), Pressure::kNone);
  EXPECT_EQ(trims, 0);
  EXPECT_EQ(at(81), Pressure::kNear);
  EXPECT_EQ(trims, 1);
  EXPECT_EQ(at(76), Pressure::kNear);
  EXPECT_EQ(at(74), Pressure::kNone);
  EXPECT_EQ(at(96), Pressure::kOver);
  EXPECT_EQ(at(91), Pressure::kOver);
  EXPECT_EQ(at(89), Pressure::kNear);
  EXPECT_EQ(trims, 1) << "at most once a second";
  now_ns += 1'000'000'000;
  EXPECT_EQ(at(85), Pressure::kNear);
  EXPECT_EQ(trims, 2);
  EXPECT_EQ(registry.Value("wirespan_memory_pressure_total", {{"level", "near"}}), 1);
  EXPECT_EQ(registry.Value("wirespan_memory_pressure_total", {{"level", "over"}}), 1);
  EXPECT_EQ(registry.Value("wirespan_memory_bytes"), 85 << 20);
  EXPECT_EQ(registry.Value("wirespan_memory_limit_bytes"), 100 << 20);
}

TEST(MemoryGuardTest, MeasuresWhatThisProcessHolds) {
  const std::uint64_t before = PrivateMemory();
  ASSERT_GT(before, 0u);
  std::vector<char> much(64 << 20);
  std::memset(much.data(), 1, much.size());
  EXPECT_GE(PrivateMemory(), before + (60 << 20));
}

}  // namespace
}  // namespace wirespan::app
