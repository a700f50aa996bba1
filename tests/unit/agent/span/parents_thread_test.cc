// Links by the thread that serves and calls: only where that proves something.
#include <set>

#include "tests/unit/agent/span/parents.h"

namespace wirespan::span {
namespace {

TEST(ParentsThreadTest, DoNotLinkRequestsInterleavedOnOneThread) {
  World world;
  const auto one = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  const auto call_one = world.Client({.pid = kA, .tid = 10, .connection = 3, .local = false});
  const auto two = world.Server({.pid = kA, .tid = 10, .connection = 2, .local = false});
  const auto call_two = world.Client({.pid = kA, .tid = 10, .connection = 4, .local = false});
  world.Finish(call_one);
  world.Finish(call_two);
  world.Finish(one);
  world.Finish(two);
  // And never again, though this one is alone.
  const auto three =
      world.Server({.pid = kA, .tid = 10, .connection = 1, .offset = 100, .local = false});
  world.Finish(
      world.Client({.pid = kA, .tid = 10, .connection = 3, .offset = 100, .local = false}));
  world.Finish(three);
  ASSERT_EQ(world.spans.size(), 6u);
  std::set<TraceId> traces;
  for (const Span& span : world.spans) {
    EXPECT_EQ(span.parent_id, kNoParent);
    traces.insert(span.trace_id);
  }
  EXPECT_EQ(traces.size(), 6u);
}

TEST(ParentsThreadTest, DoNotLinkBackgroundCallsOfAnEventLoop) {
  World world;
  // A timer's call, then one that happens to fall into a request.
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 3, .local = false}));
  const auto server = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 3, .offset = 50, .local = false}));
  world.Finish(server);
  // The call that is open while a request is read.
  const auto background = world.Client({.pid = kB, .tid = 20, .connection = 5, .local = false});
  const auto request = world.Server({.pid = kB, .tid = 20, .connection = 6, .local = false});
  const auto inside = world.Client({.pid = kB, .tid = 20, .connection = 7, .local = false});
  world.Finish(inside);
  world.Finish(background);
  world.Finish(request);
  // A call after the answer: from then on no call of this thread is trusted.
  world.Finish(world.Server({.pid = kC, .tid = 30, .connection = 8, .local = false}));
  world.Finish(world.Client({.pid = kC, .tid = 30, .connection = 9, .local = false}));
  const auto later =
      world.Server({.pid = kC, .tid = 30, .connection = 8, .offset = 9, .local = false});
  world.Finish(world.Client({.pid = kC, .tid = 30, .connection = 9, .offset = 9, .local = false}));
  world.Finish(later);
  for (const Span& span : world.spans) EXPECT_EQ(span.parent_id, kNoParent);
  EXPECT_EQ(world.spans.size(), 10u);
}

TEST(ParentsThreadTest, DoNotLinkWhereTheWorkChangesThreads) {
  World world;
  // Answered by another thread.
  const auto one = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 2, .local = false}));
  world.Finish(one, 200, 11);
  // That process hands work over: its other threads prove nothing either.
  const auto two = world.Server({.pid = kA, .tid = 12, .connection = 3, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 12, .connection = 4, .local = false}));
  world.Finish(two);
  // The call's answer read by another thread.
  const auto three = world.Server({.pid = kB, .tid = 20, .connection = 5, .local = false});
  world.Finish(world.Client({.pid = kB, .tid = 20, .connection = 6, .local = false}), 200, 21);
  world.Finish(three);
  // Two calls at once.
  const auto four = world.Server({.pid = kC, .tid = 30, .connection = 7, .local = false});
  const auto left = world.Client({.pid = kC, .tid = 30, .connection = 8, .local = false});
  const auto right = world.Client({.pid = kC, .tid = 30, .connection = 9, .local = false});
  world.Finish(left);
  world.Finish(right);
  world.Finish(four);
  ASSERT_EQ(world.spans.size(), 9u);
  for (const Span& span : world.spans) EXPECT_EQ(span.parent_id, kNoParent);
  world.Later();
  // Of those that hung on a request until it ended; the others never did.
  EXPECT_GE(world.Metric("wirespan_span_unlinked_total", {{"reason", "thread"}}), 1);
}

TEST(ParentsThreadTest, LinkEveryCallOfABlockingThread) {
  World world;
  for (std::uint64_t round = 0; round < 3; ++round) {
    const auto server = world.Server(
        {.pid = kA, .tid = 10, .connection = 1, .offset = round * 100, .local = false});
    for (std::uint32_t i = 0; i < 3; ++i) {
      world.Finish(world.Client(
          {.pid = kA, .tid = 10, .connection = 2 + i, .offset = round * 100, .local = false}));
    }
    world.Finish(server);
    const Span& parent = *world.Of(kA, Kind::kServer, round);
    for (std::uint32_t i = 0; i < 3; ++i) {
      const Span& call = *world.Of(kA, Kind::kClient, round * 3 + i);
      EXPECT_EQ(call.parent_id, parent.span_id);
      EXPECT_EQ(call.trace_id, parent.trace_id);
    }
  }
}

// Many random scenes of blocking threads and event loops: each link that comes out is a true one.
TEST(ParentsThreadTest, NeverMergeRequestsOfBlockingThreads) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    World world;
    unsigned state = seed * 2654435761u;
    const auto random = [&](unsigned below) {
      state = state * 1664525u + 1013904223u;
      return (state >> 16) % below;
    };
    // Each thread: idle, serving, or serving and calling.
    struct Thread {
      int step = 0;
      World::Key server = 0, call = 0;
      std::uint64_t offset = 0;
    };
    std::vector<Thread> threads(8);
    for (int i = 0; i < 2000; ++i) {
      const unsigned n = random(static_cast<unsigned>(threads.size()));
      Thread& t = threads[n];
      if (t.step == 0) {
        t.offset += 10;
        t.server = world.Server(
            {.pid = kA, .tid = n + 1, .connection = n + 1, .offset = t.offset, .local = false});
        t.step = 1;
      } else if (t.step == 1) {
        t.call = world.Client(
            {.pid = kA, .tid = n + 1, .connection = n + 101, .offset = t.offset, .local = false});
        t.step = 2;
      } else if (t.step == 2) {
        world.Finish(t.call);
        t.step = 3;
      } else {
        world.Finish(t.server);
        t.step = 0;
      }
    }
    std::size_t calls = 0;
    for (const Span& span : world.spans) {
      if (span.kind != Kind::kClient) continue;
      ++calls;
      // The call on connection n+101 at offset o belongs to the request on n+1 at offset o.
      bool found = false;
      for (const Span& server : world.spans) {
        if (server.span_id != span.parent_id) continue;
        found = true;
        EXPECT_LE(server.start_ns, span.start_ns);
        EXPECT_GE(server.end_ns, span.end_ns);
        EXPECT_EQ(server.trace_id, span.trace_id);
      }
      EXPECT_TRUE(found);
    }
    EXPECT_GT(calls, 400u);
  }
}

// HTTP/2: who carries a frame proves nothing of its stream.

TEST(ParentsThreadTest, LinkNoStreamByTheThreadThatWroteIt) {
  World world;
  const auto request = world.Server({.pid = kA, .tid = 1, .connection = 1, .local = false});
  const auto call =
      world.Client({.pid = kA, .tid = 1, .connection = 2, .local = false, .stream = 5});
  world.Finish(call);
  const auto second = world.Client({.pid = kA, .tid = 1, .connection = 3, .local = false});
  world.Finish(second);
  world.Finish(request);
  ASSERT_EQ(world.spans.size(), 3u);
  EXPECT_EQ(world.Of(kA, Kind::kClient, 0)->parent_id, kNoParent);
  EXPECT_NE(world.Of(kA, Kind::kClient, 0)->trace_id, world.Of(kA, Kind::kServer)->trace_id);
  // The thread's own call is its own still.
  EXPECT_EQ(world.Of(kA, Kind::kClient, 1)->parent_id, world.Of(kA, Kind::kServer)->span_id);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(ParentsThreadTest, LinkNothingByAThreadThatReadsOrAnswersStreams) {
  for (const bool answers : {false, true}) {
    SCOPED_TRACE(answers);
    World world;
    // Another thread's request may be the reason of any call that this thread makes from now on.
    const auto stream = world.Server(
        {.pid = kA, .tid = answers ? 7u : 1u, .connection = 1, .local = false, .stream = 3});
    if (answers) world.Finish(stream, 200, 1);
    const auto request = world.Server({.pid = kA, .tid = 1, .connection = 2, .local = false});
    const auto call = world.Client({.pid = kA, .tid = 1, .connection = 3, .local = false});
    world.Finish(call);
    world.Finish(request);
    if (!answers) world.Finish(stream);
    world.Later();
    ASSERT_EQ(world.spans.size(), 3u);
    EXPECT_EQ(world.Of(kA, Kind::kClient)->parent_id, kNoParent);
    EXPECT_TRUE(world.LedgerCloses());
  }
}

}  // namespace
}  // namespace wirespan::span
