#include "agent/connection/handover.h"

#include "tests/unit/agent/connection/http2_events.h"
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

HandedConnection Some() {
  HandedConnection out;
  out.id = {12345678901234567890u};
  out.requests = Direction::kWrite;
  out.tables[0] = {1000, 1009, "table"};
  out.tables[1] = {5'000'000'000, 5'000'000'000, ""};
  return out;
}

TEST(HandoverTest, ComesBackFromItsBytes) {
  const std::string bytes = SerializeHandover({Some(), Some()}, 1000);
  const auto parsed = ParseHandover(bytes);
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[1].id, Some().id);
  EXPECT_EQ((*parsed)[1].requests, Direction::kWrite);
  EXPECT_EQ((*parsed)[1].tables[0].boundary, 1009u);
  EXPECT_EQ((*parsed)[1].tables[0].table, "table");
  EXPECT_EQ((*parsed)[1].tables[1].read_to, 5'000'000'000u);
}

TEST(HandoverTest, LeavesOutWhatDoesNotFit) {
  const std::size_t one = SerializeHandover({Some()}, 1000).size();
  const std::string bytes = SerializeHandover({Some(), Some(), Some()}, 2 * one);
  EXPECT_LE(bytes.size(), 2 * one);
  EXPECT_EQ(ParseHandover(bytes)->size(), 2u);
}

TEST(HandoverTest, TakesNoOtherBytes) {
  const std::string bytes = SerializeHandover({Some()}, 1000);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    if (cut == 4) continue;  // none at all
    EXPECT_FALSE(ParseHandover(std::string_view(bytes).substr(0, cut)).has_value()) << cut;
  }
  EXPECT_FALSE(ParseHandover("something else").has_value());
}

// A client that sends its authorities once (nghttp2 indexes no paths), and an agent that is
// replaced in the middle. `skip`: events that neither of them saw.
struct Restart {
  std::size_t hosts = 0;
  std::size_t reported = 0;
};
Restart Replace(std::uint32_t seed, std::size_t skip, bool hand_over) {
  std::mt19937 random(seed);
  Peers peers(random, {});
  for (int i = 0; i < 60; ++i) {
    StreamTruth truth = AnyStream(random, i);
    truth.extra.clear();
    if (i >= 10) truth.path = peers.streams().at(1 + 2 * (i % 5)).path;
    peers.Open(truth);
    peers.Run();
  }
  testing::SocketScript socket;
  SightPlan sight;
  sight.marks = true;
  const auto events = EventsOf(random, peers.written(), sight, socket);
  const std::size_t half = events.size() / 2 + random() % 20;
  std::vector<HandedConnection> handed;
  {
    TableUnderTest before;
    for (std::size_t i = 0; i < half; ++i) before.Send(events[i]);
    handed = before.table.ExportTables();
    EXPECT_EQ(handed.size(), 1u);
    const auto parsed = ParseHandover(SerializeHandover(handed, 1u << 20));
    EXPECT_TRUE(parsed.has_value());
    if (parsed) handed = *parsed;
  }
  TableUnderTest after;
  if (hand_over) after.table.AdoptTables(std::move(handed));
  OpenEvent open = std::get<OpenEvent>(events[0].event);
  open.joined_late = true;
  after.table.OnEvent(open);
  for (std::size_t i = half + skip; i < events.size(); ++i) after.Send(events[i]);
  after.table.Tick(socket.now_ns() + 90'000'000'000);
  Restart out;
  for (const ObservedExchange& observed : after.recorder.exchanges) {
    const protocol::Exchange& seen = observed.exchange;
    const StreamTruth& truth = peers.streams().at(static_cast<std::int32_t>(seen.stream_id));
    EXPECT_EQ(Disagreement(seen, truth), "") << seed << " stream " << seen.stream_id;
    ++out.reported;
    out.hosts += !seen.host.empty();
  }
  after.ExpectClosedLedger();
  return out;
}

TEST(HandoverTest, WhatWasSentOnceIsKnownAfterARestart) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    const Restart with = Replace(seed, 0, true);
    EXPECT_GT(with.reported, 15u);
    EXPECT_EQ(with.hosts, with.reported) << seed;
    const Restart without = Replace(seed, 0, false);
    EXPECT_LT(without.hosts, without.reported) << seed;
  }
}

TEST(HandoverTest, TablesThatDoNotMeetAreNotUsed) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    for (std::size_t skip = 1; skip < 8; ++skip) Replace(seed, skip, true);
  }
}

TEST(HandoverTest, OffsetsThatBeganAnewAreNotUsed) {
  TableUnderTest test;
  HandedConnection handed;
  handed.id = {1};
  handed.tables[0] = {24, 24, std::string("\x01\x00", 2)};
  test.table.AdoptTables({handed});
  testing::SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(test.table.ExportTables().size(), 0u);
}

}  // namespace
}  // namespace wirespan::connection
