// The kernel's machine and ours, joined: conversations of nghttp2's ends, as the kernel would tell
// them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/agent/connection/http2_events.h"
#include "tests/unit/agent/connection/http2_records.h"
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

struct Outcomes {
  std::size_t all = 0;  // streams that ended
  std::size_t told = 0;
  std::size_t lost = 0;    // records
  std::size_t hit = 0;     // streams with octets in a lost record
  std::size_t beside = 0;  // streams without, which are not told all the same
  std::size_t hole = 0;    // ... which are told, and say that something is missing
};

void Talk(std::mt19937& random, Peers& peers, int streams, std::size_t at_once) {
  for (int i = 0; i < streams; ++i) {
    peers.Open(AnyStream(random, i));
    while (peers.open() >= at_once) {
      if (!peers.Step()) break;
    }
  }
  peers.Run();
}

void Observe(std::uint32_t seed, RecordsPlan sight, Outcomes& out) {
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  PeersPlan plan;
  plan.indexing = random() % 4 != 0;
  Peers peers(random, plan);
  Talk(random, peers, 200, 1 + random() % 32);
  sight.client = random() % 2 == 0;
  sight.cut = random() % 2 == 0;
  testing::SocketScript socket;
  TableUnderTest test;
  const Records records = RecordsOf(random, peers.written(), sight, socket);
  std::uint64_t now_ns = 0, ticked_ns = 0;
  for (const testing::OwnedEvent& event : records.events) {
    test.Send(event);
    now_ns = std::max(now_ns, std::visit([](const auto& one) { return one.ts_ns; }, event.event));
    if (now_ns < ticked_ns + 20'000'000) continue;
    test.table.Tick(ticked_ns = now_ns);
  }
  test.table.Tick(socket.now_ns() + 500'000'000);
  test.table.Tick(socket.now_ns() + 90'000'000'000);
  testing::OwnedEvent close = socket.Close();
  std::get<CloseEvent>(close.event).read_end_offset = records.ends[0];
  std::get<CloseEvent>(close.event).write_end_offset = records.ends[1];
  test.Send(close);
  test.ExpectClosedLedger();
  std::set<std::uint32_t> told;
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const protocol::Exchange& seen = observed.exchange;
    EXPECT_TRUE(told.insert(seen.stream_id).second) << seen.stream_id;
    EXPECT_EQ(Disagreement(seen, peers.streams().at(static_cast<std::int32_t>(seen.stream_id))), "")
        << seen.stream_id;
    out.hole += seen.incomplete != 0 && !records.hit.contains(seen.stream_id);
  }
  out.all += peers.ended();
  out.told += told.size();
  out.lost += records.lost;
  out.hit += records.hit.size();
  for (const auto& [id, truth] : peers.streams()) {
    const auto stream = static_cast<std::uint32_t>(id);
    if (truth.end == StreamEnd::kOpen || told.contains(stream) || records.hit.contains(stream))
      continue;
    ++out.beside;
  }
}

TEST(Http2JoinedTest, EveryStreamIsToldWhereNothingIsLost) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 15; ++seed) Observe(seed, {}, out);
  EXPECT_EQ(out.told, out.all);
  EXPECT_EQ(out.hole, 0u);
}

TEST(Http2JoinedTest, AHeaderListBeyondTheBoundCostsNoStream) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 15; ++seed) Observe(seed, {.head_max = 4096}, out);
  EXPECT_EQ(out.told, out.all);
  EXPECT_GT(out.hole, 0u);
}

// One in a hundred, as when a ring overflows now and then.
TEST(Http2JoinedTest, ALostRecordCostsTheStreamsInItAndHardlyAnother) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) Observe(seed, {.lose = 0.01}, out);
  std::printf(
      "%zu records lost; of %zu streams %zu had a frame in one, %zu are not told, %zu of them had "
      "none; %zu more are told with holes\n",
      out.lost, out.all, out.hit, out.all - out.told, out.beside, out.hole);
  EXPECT_LT(out.all - out.told, out.lost);
  EXPECT_LT(out.beside * 100, out.lost * 2);
  // Entries that were lost themselves stay unknown while the peers name them; the others do not.
  EXPECT_LT(out.hole * 2, out.all);
}

TEST(Http2JoinedTest, ATenthOfTheRecordsLost) {
  Outcomes out;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) Observe(seed, {.lose = 0.1}, out);
  EXPECT_LT(out.all - out.told, out.lost);
}

}  // namespace
}  // namespace wirespan::connection
