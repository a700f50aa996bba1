#include <gtest/gtest.h>
// rapidcheck wants gtest before it
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/unit/agent/connection/http2_events.h"
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

PeersPlan AnyPeers(std::mt19937& random) {
  static const std::uint32_t kTables[] = {4096, 0, 128, 4096, 60'000};
  PeersPlan plan;
  plan.client_table = kTables[random() % 5];
  plan.server_table = kTables[random() % 5];
  plan.padding = random() % 4 == 0;
  plan.pushes = random() % 3 == 0;
  plan.indexing = random() % 4 != 0;
  return plan;
}

SightPlan AnySight(std::mt19937& random) {
  SightPlan plan;
  plan.client = random() % 2 == 0;
  plan.cut = random() % 2 == 0;
  plan.gaps = random() % 2 == 0;
  plan.runs = random() % 2 == 0;
  plan.marks = random() % 2 == 0;
  plan.shuffle = random() % 2 == 0;
  return plan;
}

// Streams open while others run.
void Talk(std::mt19937& random, Peers& peers, int streams, std::size_t at_once) {
  for (int i = 0; i < streams; ++i) {
    peers.Open(AnyStream(random, i));
    while (peers.open() >= at_once) {
      if (!peers.Step()) break;
    }
    for (std::size_t steps = random() % 4; steps > 0; --steps) peers.Step();
  }
  peers.Run();
}

RC_GTEST_PROP(Http2PropertyTest, EveryStreamComesOutOnceAndExact, (std::uint32_t seed)) {
  std::mt19937 random(seed);
  Peers peers(random, AnyPeers(random));
  Talk(random, peers, 1 + static_cast<int>(random() % 20), 1 + random() % 10);
  const SightPlan sight = AnySight(random);
  testing::SocketScript::Options options;
  options.opener = random() % 2 == 0 ? Opener::kUnknown
                   : sight.client    ? Opener::kLocal
                                     : Opener::kRemote;
  testing::SocketScript socket(options);
  TableUnderTest test;
  test.Send(EventsOf(random, peers.written(), sight, socket));
  test.table.Tick(socket.now_ns() + 2'000'000'000);
  test.ExpectClosedLedger();
  RC_ASSERT(test.recorder.breaches == 0u);
  RC_ASSERT(test.recorder.exchanges.size() == peers.streams().size());
  std::set<std::uint32_t> ids;
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const protocol::Exchange& seen = observed.exchange;
    RC_ASSERT(ids.insert(seen.stream_id).second);
    const StreamTruth& truth = peers.streams().at(static_cast<std::int32_t>(seen.stream_id));
    RC_ASSERT(Disagreement(seen, truth) == "");
    RC_ASSERT(seen.side == (sight.client ? protocol::Side::kClient : protocol::Side::kServer));
    RC_ASSERT(seen.outcome == protocol::Outcome::kComplete);
    RC_ASSERT(seen.incomplete == 0);
    RC_ASSERT(seen.status == truth.status);
    RC_ASSERT(seen.request_start_ns <= seen.request_end_ns);
    RC_ASSERT(seen.response_start_ns <= seen.response_end_ns);
    RC_ASSERT(seen.request_start_ns <= seen.response_start_ns);
    if (truth.grpc) {
      RC_ASSERT(seen.protocol == protocol::Protocol::kGrpc);
      RC_ASSERT(seen.rpc->status == truth.grpc_status);
      RC_ASSERT(!seen.rpc->status_inferred);
    }
  }
}

// What became of a conversation of which not everything was seen.
struct Outcomes {
  std::size_t reported = 0;
  std::size_t complete = 0;  // in truth
  std::size_t all = 0;
  std::size_t paths = 0;  // known, of those reported
};

void SendWithTicks(std::mt19937& random, TableUnderTest& test,
                   const std::vector<testing::OwnedEvent>& events) {
  std::uint64_t now_ns = 0;
  for (const testing::OwnedEvent& event : events) {
    test.Send(event);
    now_ns = std::max(now_ns, std::visit([](const auto& one) { return one.ts_ns; }, event.event));
    if (random() % 4 == 0) test.table.Tick(now_ns);
    if (random() % 40 == 0) test.table.Tick(now_ns + random() % 3'000'000'000u);
  }
}

testing::OwnedEvent CloseAtEnd(testing::SocketScript& socket) {
  const std::uint64_t ends[2] = {socket.end_of(Direction::kRead), socket.end_of(Direction::kWrite)};
  testing::OwnedEvent close = socket.Close();
  std::get<CloseEvent>(close.event).read_end_offset = ends[0];
  std::get<CloseEvent>(close.event).write_end_offset = ends[1];
  return close;
}

void ExpectNothingWrong(TableUnderTest& test, const Peers& peers, Outcomes& out) {
  test.ExpectClosedLedger();
  EXPECT_EQ(test.table.open_exchanges(), 0u);
  EXPECT_EQ(test.table.open_streams(), 0u);
  EXPECT_EQ(test.table.held_events(), 0u);
  std::set<std::uint32_t> ids;
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const protocol::Exchange& seen = observed.exchange;
    EXPECT_TRUE(ids.insert(seen.stream_id).second) << seen.stream_id;
    const StreamTruth& truth = peers.streams().at(static_cast<std::int32_t>(seen.stream_id));
    EXPECT_EQ(Disagreement(seen, truth), "") << "stream " << seen.stream_id;
    ++out.reported;
    out.paths += !seen.target.empty();
  }
  out.all += peers.sent();
}

void CheckLoss(std::uint32_t seed, double lose, double blank, Outcomes& out) {
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  PeersPlan plan = AnyPeers(random);
  plan.resets = random() % 3 == 0 ? 0.05 : 0;
  Peers peers(random, plan);
  Talk(random, peers, 10 + static_cast<int>(random() % 30), 1 + random() % 10);
  SightPlan sight = AnySight(random);
  sight.shuffle = false;
  sight.marks = true;  // as the kernel's side does
  sight.lose = lose;
  sight.blank = blank;
  testing::SocketScript socket;
  TableUnderTest test;
  SendWithTicks(random, test, EventsOf(random, peers.written(), sight, socket));
  test.table.Tick(socket.now_ns() + 500'000'000);
  test.table.Tick(socket.now_ns() + 700'000'000);
  if (random() % 2 == 0) {  // else the connection stays
    test.Send(CloseAtEnd(socket));
  } else {
    test.table.Tick(socket.now_ns() + 3'000'000'000);
    test.table.Tick(socket.now_ns() + 90'000'000'000);
    test.Send(CloseAtEnd(socket));
  }
  ExpectNothingWrong(test, peers, out);
  // Each stream is accounted for: opened, or known to have been missed; but for the last ones, that
  // no number follows.
  test.table.Publish();
  const auto value = [&](std::string_view name) {
    return static_cast<std::size_t>(test.registry.Value(name));
  };
  const std::size_t accounted =
      value("wirespan_exchanges_opened_total") + value("wirespan_http2_streams_unseen_total");
  if (peers.sent() != peers.streams().size()) return;  // the client left numbers out itself
  EXPECT_LE(accounted, peers.sent());
  const auto last = std::max_element(
      test.recorder.exchanges.begin(), test.recorder.exchanges.end(),
      [](const auto& a, const auto& b) { return a.exchange.stream_id < b.exchange.stream_id; });
  if (last != test.recorder.exchanges.end()) {
    EXPECT_GE(accounted, (last->exchange.stream_id + 1) / 2);
  }
}

TEST(Http2PropertyTest, NothingIsWrongAfterLostEvents) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) CheckLoss(seed, 0.01, 0, out);
  EXPECT_GT(out.reported * 100, out.all * 70) << out.reported << " of " << out.all;
}

TEST(Http2PropertyTest, NothingIsWrongAfterManyLostEvents) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) CheckLoss(seed, 0.15, 0, out);
}

TEST(Http2PropertyTest, NothingIsWrongAfterBytesThatWereNotCaptured) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) CheckLoss(seed, 0, 0.01, out);
  EXPECT_GT(out.reported * 100, out.all * 70) << out.reported << " of " << out.all;
}

TEST(Http2PropertyTest, NothingIsWrongWithResets) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PeersPlan plan = AnyPeers(random);
    plan.resets = 0.1;
    Peers peers(random, plan);
    Talk(random, peers, 20, 6);
    const SightPlan sight = AnySight(random);
    testing::SocketScript socket;
    TableUnderTest test;
    test.Send(EventsOf(random, peers.written(), sight, socket));
    test.table.Tick(socket.now_ns() + 2'000'000'000);
    EXPECT_EQ(test.recorder.exchanges.size(), peers.ended());
    test.Send(CloseAtEnd(socket));
    ExpectNothingWrong(test, peers, out);
  }
}

// A server says which streams it will not answer, with others under way.
TEST(Http2PropertyTest, StreamsAboveAGoawayAreThoseThatWereNotAnswered) {
  Outcomes out;
  std::size_t refused = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PeersPlan plan = AnyPeers(random);
    plan.pushes = false;
    Peers peers(random, plan);
    for (int i = 0; i < 30; ++i) {
      peers.Open(AnyStream(random, i));
      for (std::size_t steps = random() % 2; steps > 0; --steps) peers.Step();
    }
    const auto last = static_cast<std::uint32_t>(1 + 2 * (random() % 30));
    peers.SubmitGoaway(static_cast<std::int32_t>(last), NGHTTP2_ENHANCE_YOUR_CALM);
    peers.Run();
    testing::SocketScript socket;
    TableUnderTest test;
    test.Send(EventsOf(random, peers.written(), AnySight(random), socket));
    test.table.Tick(socket.now_ns() + 2'000'000'000);
    test.Send(CloseAtEnd(socket));
    ExpectNothingWrong(test, peers, out);
    EXPECT_EQ(test.recorder.exchanges.size(), peers.sent());
    for (const ObservedExchange& observed : test.recorder.exchanges) {
      const protocol::Exchange& seen = observed.exchange;
      const StreamTruth& truth = peers.streams().at(static_cast<std::int32_t>(seen.stream_id));
      const bool complete = truth.end == StreamEnd::kComplete;
      EXPECT_EQ(seen.outcome == protocol::Outcome::kComplete, complete) << seen.stream_id;
      if (complete) continue;
      EXPECT_GT(seen.stream_id, last);
      if (seen.outcome == protocol::Outcome::kResponseAborted) continue;  // begun before
      ++refused;
      EXPECT_EQ(seen.outcome, protocol::Outcome::kNoResponse);
      EXPECT_EQ(seen.reset, protocol::Reset::kGoaway);
      EXPECT_EQ(seen.reset_code, std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
      if (seen.rpc) {
        EXPECT_EQ(seen.rpc->status, 14);
      }
    }
  }
  EXPECT_GT(refused, 100u);
}

TEST(Http2PropertyTest, JoinsConnectionsAtEveryPoint) {
  Outcomes out;
  std::size_t later = 0;
  std::size_t later_seen = 0;
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PeersPlan plan = AnyPeers(random);
    Peers peers(random, plan);
    Talk(random, peers, 30, 1 + random() % 6);
    SightPlan sight = AnySight(random);
    sight.shuffle = false;
    for (sight.from = 1; sight.from < peers.written().size(); sight.from += 1 + random() % 5) {
      SCOPED_TRACE(sight.from);
      testing::SocketScript::Options options;
      options.opener = random() % 2 == 0 ? Opener::kUnknown
                       : sight.client    ? Opener::kLocal
                                         : Opener::kRemote;
      options.joined_late = true;
      testing::SocketScript socket(options);
      TableUnderTest test;
      SendWithTicks(random, test, EventsOf(random, peers.written(), sight, socket));
      test.table.Tick(socket.now_ns() + 500'000'000);
      test.table.Tick(socket.now_ns() + 90'000'000'000);
      test.Send(CloseAtEnd(socket));
      ExpectNothingWrong(test, peers, out);
      if (!sight.marks) continue;
      for (const auto& [id, truth] : peers.streams()) {
        if (truth.first_write < sight.from) continue;
        ++later;
        later_seen += std::any_of(test.recorder.exchanges.begin(), test.recorder.exchanges.end(),
                                  [id = static_cast<std::uint32_t>(id)](const auto& one) {
                                    return one.exchange.stream_id == id;
                                  });
      }
    }
  }
  // Of the streams that began later: what is missing is the first answers whose status is an entry
  // of the table from before, and so could be trailers.
  EXPECT_GT(later_seen * 1000, later * 995) << later_seen << " of " << later;
  EXPECT_GT(out.paths * 100, out.reported * 40) << out.paths << " of " << out.reported;
}

}  // namespace
}  // namespace wirespan::connection
