// Spans that wait for what may name their parent: not for ever, not without a bound.
#include "tests/unit/agent/span/parents.h"

namespace wirespan::span {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(ParentsHeldTest, HoldNoLongerThanAllowedAndStayConsistent) {
  World world;
  const auto slow = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  const auto ab = world.Client({.pid = kA, .tid = 10, .connection = 2});
  const auto b = world.Server({.pid = kB, .tid = 20, .connection = 2});
  world.Finish(b);
  world.Finish(ab);
  EXPECT_EQ(world.Metric("wirespan_span_held"), 2);
  EXPECT_TRUE(world.LedgerCloses());
  world.Later(31 * kSecond);
  ASSERT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(world.Metric("wirespan_span_held"), 0);
  EXPECT_EQ(world.Of(kB, Kind::kServer)->parent_id, world.Of(kA, Kind::kClient)->span_id);
  EXPECT_EQ(world.Of(kB, Kind::kServer)->trace_id, world.Of(kA, Kind::kClient)->trace_id);
  EXPECT_EQ(world.Of(kA, Kind::kClient)->parent_id, kNoParent);
  world.Finish(slow);
  EXPECT_NE(world.Of(kA, Kind::kServer)->trace_id, world.Of(kA, Kind::kClient)->trace_id);
  EXPECT_GE(world.Metric("wirespan_span_unlinked_total", {{"reason", "age"}}), 1);
}

TEST(ParentsHeldTest, HoldNoMoreThanAllowed) {
  SpanOptions options;
  options.links.max_held = 10;
  World world(std::move(options));
  // Fifty requests wait for slow answers after their calls.
  std::vector<World::Key> servers;
  for (std::uint32_t i = 0; i < 50; ++i) {
    servers.push_back(
        world.Server({.pid = kA, .tid = 10 + i, .connection = 1 + i, .local = false}));
    world.Finish(world.Client({.pid = kA, .tid = 10 + i, .connection = 100 + i, .local = false}));
    EXPECT_LE(world.Metric("wirespan_span_held"), 10);
    EXPECT_TRUE(world.LedgerCloses());
  }
  EXPECT_EQ(world.spans.size(), 40u);
  for (const auto server : servers) world.Finish(server);
  EXPECT_EQ(world.spans.size(), 100u);
  EXPECT_EQ(world.Metric("wirespan_span_parents_total", {{"method", "thread"}}), 10);
  world.Later();
  EXPECT_EQ(world.Metric("wirespan_span_unlinked_total", {{"reason", "full"}}), 40);
}

TEST(ParentsHeldTest, LetEverythingOutAtShutdown) {
  World world;
  world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 2}));
  world.Finish(world.Server({.pid = kB, .tid = 20, .connection = 3}));
  EXPECT_TRUE(world.spans.empty());
  world.stage.Flush();
  EXPECT_EQ(world.spans.size(), 2u);
  EXPECT_TRUE(world.LedgerCloses());
}

}  // namespace
}  // namespace wirespan::span
