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

}  // namespace
}  // namespace wirespan::connection
