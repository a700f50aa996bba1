// Which span is whose parent: every rule of docs/spans.md, "Parents", on whole scenes.
#include "tests/unit/agent/span/parents.h"

#include <set>

namespace wirespan::span {
namespace {

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
