#include <gtest/gtest.h>

#include <set>

#include "tests/unit/agent/span/world.h"

// Which span is whose parent: every rule of docs/spans.md, "Parents", on whole scenes.
namespace wirespan::span {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
const SpanId kNoParent{};
constexpr std::uint32_t kA = 100, kB = 200, kC = 300, kCaller = 50;
const std::string kHeader = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kHeaderTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kHeaderParent = "b7ad6b7169203331";

TEST(ParentsTest, LinkBothEndsOfAConnectionOnThisNode) {
  World world;
  const auto client = world.Client({.pid = kA, .tid = 1, .connection = 1});
  const auto server = world.Server({.pid = kB, .tid = 2, .connection = 1});
  world.Finish(server);
  world.Finish(client);
  ASSERT_EQ(world.spans.size(), 2u);
  const Span& c = *world.Of(kA, Kind::kClient);
  const Span& s = *world.Of(kB, Kind::kServer);
  EXPECT_EQ(s.parent_id, c.span_id);
  EXPECT_EQ(s.trace_id, c.trace_id);
  EXPECT_EQ(c.parent_id, kNoParent);
  EXPECT_EQ(Get(s, names::kWirespanParentMethod), "wire");
  EXPECT_EQ(Get(c, names::kWirespanParentMethod), "<none>");
  EXPECT_EQ(Get(s, names::kWirespanWireId), Get(c, names::kWirespanWireId));
  EXPECT_EQ(Get(s, names::kWirespanWire), "<none>");
}

TEST(ParentsTest, LinkBothEndsInWhateverOrderTheyAreSeen) {
  // S: server begins, s: ends; C, c: the client's.
  for (const std::string order : {"CScs", "CSsc", "SCsc", "SCcs", "SsCc", "CcSs"}) {
    SCOPED_TRACE(order);
    World world;
    World::Key client = 0, server = 0;
    for (const char step : order) {
      if (step == 'C') client = world.Client({.pid = kA, .tid = 1, .connection = 1});
      if (step == 'S') server = world.Server({.pid = kB, .tid = 2, .connection = 1});
      if (step == 'c') world.Finish(client);
      if (step == 's') world.Finish(server);
    }
    world.Later();
    ASSERT_EQ(world.spans.size(), 2u);
    EXPECT_EQ(world.Of(kB, Kind::kServer)->parent_id, world.Of(kA, Kind::kClient)->span_id);
    EXPECT_EQ(world.Of(kB, Kind::kServer)->trace_id, world.Of(kA, Kind::kClient)->trace_id);
  }
}

TEST(ParentsTest, LeaveAServerWithoutClientEndAndHeaderARoot) {
  World world;
  world.Finish(world.Server({.pid = kB, .tid = 2, .connection = 1, .local = false}));
  ASSERT_EQ(world.spans.size(), 1u);  // at once: the other end is elsewhere
  EXPECT_EQ(world.spans[0].parent_id, kNoParent);
  EXPECT_EQ(Get(world.spans[0], names::kWirespanParentMethod), "<none>");

  world.Finish(world.Server({.pid = kB, .tid = 2, .connection = 2}));
  EXPECT_EQ(world.spans.size(), 1u);  // its other end may come
  EXPECT_EQ(world.Metric("wirespan_span_held"), 1);
  world.Later();
  ASSERT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(world.spans[1].parent_id, kNoParent);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(ParentsTest, TakeTheHeaderWhereTheClientEndIsNotSeen) {
  World world;
  world.Finish(
      world.Server({.pid = kB, .tid = 2, .connection = 1, .traceparent = kHeader, .local = false}));
  ASSERT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(Hex(world.spans[0].trace_id), kHeaderTrace);
  EXPECT_EQ(Hex(world.spans[0].parent_id), kHeaderParent);
  EXPECT_EQ(Get(world.spans[0], names::kWirespanParentMethod), "header");
}

// caller -> A -> B -> C, each on one blocking thread; the caller is on this node too.
void RunChain(World& world, const std::string& header) {
  const auto call =
      world.Client({.pid = kCaller, .tid = 5, .connection = 1, .traceparent = header});
  const auto a = world.Server({.pid = kA, .tid = 10, .connection = 1, .traceparent = header});
  const auto ab = world.Client({.pid = kA, .tid = 10, .connection = 2, .traceparent = header});
  const auto b = world.Server({.pid = kB, .tid = 20, .connection = 2, .traceparent = header});
  const auto bc = world.Client({.pid = kB, .tid = 20, .connection = 3, .traceparent = header});
  const auto c = world.Server({.pid = kC, .tid = 30, .connection = 3, .traceparent = header});
  world.Finish(c);
  world.Finish(bc);
  world.Finish(b);
  world.Finish(ab);
  world.Finish(a);
  world.Finish(call);
}

void ExpectChain(const World& world) {
  ASSERT_EQ(world.spans.size(), 6u);
  const Span* chain[] = {world.Of(kCaller, Kind::kClient), world.Of(kA, Kind::kServer),
                         world.Of(kA, Kind::kClient),      world.Of(kB, Kind::kServer),
                         world.Of(kB, Kind::kClient),      world.Of(kC, Kind::kServer)};
  for (std::size_t i = 1; i < 6; ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(chain[i]->trace_id, chain[0]->trace_id);
    EXPECT_EQ(chain[i]->parent_id, chain[i - 1]->span_id);
    EXPECT_EQ(Get(*chain[i], names::kWirespanParentMethod), i % 2 == 1 ? "wire" : "thread");
  }
}

TEST(ParentsTest, JoinAChainOfThreeProcessesWithoutHeaders) {
  World world;
  RunChain(world, "");
  ExpectChain(world);
  EXPECT_EQ(world.Of(kCaller, Kind::kClient)->parent_id, kNoParent);
  EXPECT_EQ(world.Metric("wirespan_span_held"), 0);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(ParentsTest, JoinAChainThatPassesItsHeaderOnUnchanged) {
  World world;
  world.believe_notes = false;
  RunChain(world, kHeader);
  ExpectChain(world);
  EXPECT_EQ(Hex(world.Of(kC, Kind::kServer)->trace_id), kHeaderTrace);
  EXPECT_EQ(Hex(world.Of(kCaller, Kind::kClient)->parent_id), kHeaderParent);
  EXPECT_TRUE(world.noted.empty());  // the warm-up, and then: what came in went out
}

TEST(ParentsTest, JoinTheChainWhenAnEndComesLate) {
  // The downstream ends are seen before the upstream writes' hooks ran, and A's caller is far away.
  World world;
  const auto a = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  const auto b = world.Server({.pid = kB, .tid = 20, .connection = 2});
  world.Finish(b);  // even its answer came before A's hook told of the request
  const auto ab = world.Client({.pid = kA, .tid = 10, .connection = 2});
  world.Finish(ab);
  EXPECT_TRUE(world.spans.empty());
  world.Finish(a);
  ASSERT_EQ(world.spans.size(), 3u);
  EXPECT_EQ(world.Of(kB, Kind::kServer)->trace_id, world.Of(kA, Kind::kServer)->trace_id);
  EXPECT_EQ(world.Of(kB, Kind::kServer)->parent_id, world.Of(kA, Kind::kClient)->span_id);
  EXPECT_EQ(world.Of(kA, Kind::kClient)->parent_id, world.Of(kA, Kind::kServer)->span_id);
}

TEST(ParentsTest, DoNotLinkRequestsInterleavedOnOneThread) {
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

TEST(ParentsTest, DoNotLinkBackgroundCallsOfAnEventLoop) {
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

TEST(ParentsTest, DoNotLinkWhereTheWorkChangesThreads) {
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

TEST(ParentsTest, LinkEveryCallOfABlockingThread) {
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

TEST(ParentsTest, DoNotLinkAcrossDifferentTraces) {
  World world;
  world.believe_notes = false;
  const auto server =
      world.Server({.pid = kA, .tid = 10, .connection = 1, .traceparent = kHeader, .local = false});
  world.Finish(
      world.Client({.pid = kA,
                    .tid = 10,
                    .connection = 2,
                    .traceparent = "00-11111111111111111111111111111111-2222222222222222-01",
                    .local = false}));
  world.Finish(server);
  const Span& call = *world.Of(kA, Kind::kClient);
  EXPECT_EQ(Hex(call.trace_id), std::string(32, '1'));
  EXPECT_EQ(Hex(call.parent_id), std::string(16, '2'));
  EXPECT_EQ(Get(call, names::kWirespanParentMethod), "header");
}

TEST(ParentsTest, PointPastAClientEndThatHasNoSpan) {
  World world;
  world.processes[kA].instrumented = true;
  const auto client = world.Client({.pid = kA, .tid = 1, .connection = 1, .traceparent = kHeader});
  const auto server = world.Server({.pid = kB, .tid = 2, .connection = 1, .traceparent = kHeader});
  world.Finish(server);
  world.Finish(client);
  ASSERT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(Hex(world.spans[0].parent_id), kHeaderParent);  // the SDK's span
  EXPECT_EQ(Get(world.spans[0], names::kWirespanParentMethod), "header");
  EXPECT_EQ(world.Metric("wirespan_span_dropped_total", {{"reason", "instrumented"}}), 1);

  world.processes[kC].reported = false;
  const auto hidden = world.Client({.pid = kC, .tid = 3, .connection = 2});
  const auto served = world.Server({.pid = kB, .tid = 2, .connection = 2});
  world.Finish(served);
  world.Finish(hidden);
  world.Later();
  ASSERT_EQ(world.spans.size(), 2u);
  EXPECT_EQ(world.spans[1].parent_id, kNoParent);
}

TEST(ParentsTest, HoldNoLongerThanAllowedAndStayConsistent) {
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

TEST(ParentsTest, HoldNoMoreThanAllowed) {
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

TEST(ParentsTest, LetEverythingOutAtShutdown) {
  World world;
  world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 2}));
  world.Finish(world.Server({.pid = kB, .tid = 20, .connection = 3}));
  EXPECT_TRUE(world.spans.empty());
  world.stage.Flush();
  EXPECT_EQ(world.spans.size(), 2u);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(ParentsTest, LinkNothingByANameThatIsNotUnique) {
  World world;
  const auto one = world.Client({.pid = kA, .tid = 1, .connection = 1});
  const auto two = world.Client({.pid = kC, .tid = 3, .connection = 1});
  const auto server = world.Server({.pid = kB, .tid = 2, .connection = 1});
  world.Finish(server);
  world.Finish(one);
  world.Finish(two);
  world.Later();
  EXPECT_EQ(world.Of(kB, Kind::kServer)->parent_id, kNoParent);
  EXPECT_GE(world.Metric("wirespan_span_unlinked_total", {{"reason", "ambiguous"}}), 1);
}

TEST(ParentsTest, SurviveLostExchanges) {
  World world;
  const auto server = world.Server({.pid = kA, .tid = 10, .connection = 1, .local = false});
  world.Finish(world.Client({.pid = kA, .tid = 10, .connection = 2, .local = false}));
  world.open.at(server).exchange.outcome = protocol::Outcome::kLost;
  world.Finish(server);
  ASSERT_EQ(world.spans.size(), 1u);
  EXPECT_EQ(world.spans[0].parent_id, kNoParent);  // its parent has no span
  EXPECT_TRUE(world.LedgerCloses());
}

// Many random scenes of blocking threads and event loops: each link that comes out is a true one.
TEST(ParentsTest, NeverMergeRequestsOfBlockingThreads) {
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

TEST(ParentsTest, JoinTheEndsOfEachStreamOfAConnection) {
  World world;
  std::vector<World::Key> clients, servers;
  for (std::uint32_t stream = 1; stream < 40; stream += 2) {
    clients.push_back(world.Client({.pid = kA, .tid = 1, .connection = 1, .stream = stream}));
    if (stream % 3 != 0) continue;  // the others arrive together, later
    servers.push_back(world.Server({.pid = kB, .tid = 2, .connection = 1, .stream = stream}));
  }
  for (std::uint32_t stream = 1; stream < 40; stream += 2) {
    if (stream % 3 == 0) continue;
    servers.push_back(world.Server({.pid = kB, .tid = 2, .connection = 1, .stream = stream}));
  }
  for (const auto key : servers) world.Finish(key);
  for (const auto key : clients) world.Finish(key);
  world.Later();
  ASSERT_EQ(world.spans.size(), 40u);
  std::set<std::string> traces;
  for (const Span& server : world.spans) {
    if (server.kind != Kind::kServer) continue;
    traces.insert(Hex(server.trace_id));
    EXPECT_EQ(Get(server, names::kWirespanParentMethod), "wire");
    for (const Span& client : world.spans) {
      if (client.kind != Kind::kClient) continue;
      const bool same = Get(server, names::kWirespanWireId) == Get(client, names::kWirespanWireId);
      EXPECT_EQ(server.parent_id == client.span_id, same);
      EXPECT_EQ(server.trace_id == client.trace_id, same);
    }
  }
  EXPECT_EQ(traces.size(), 20u);
  EXPECT_TRUE(world.LedgerCloses());
}

TEST(ParentsTest, LinkNoStreamByTheThreadThatWroteIt) {
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

TEST(ParentsTest, LinkNothingByAThreadThatReadsOrAnswersStreams) {
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

TEST(ParentsTest, TakeTheHeaderOfAStream) {
  World world;
  const auto request = world.Server(
      {.pid = kB, .tid = 2, .connection = 1, .traceparent = kHeader, .local = false, .stream = 9});
  const auto call = world.Client(
      {.pid = kB, .tid = 2, .connection = 2, .traceparent = kHeader, .local = false, .stream = 1});
  world.Finish(call);
  world.Finish(request);
  ASSERT_EQ(world.spans.size(), 2u);
  for (const Span& span : world.spans) {
    EXPECT_EQ(Hex(span.trace_id), kHeaderTrace);
    EXPECT_EQ(Hex(span.parent_id), kHeaderParent);
    EXPECT_EQ(Get(span, names::kWirespanParentMethod), "header");
  }
}

}  // namespace
}  // namespace wirespan::span
