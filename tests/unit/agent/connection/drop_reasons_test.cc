// One conversation for each reason that docs/ledger.md names, so that none is a label alone.
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

using testing::SocketScript;

constexpr auto kRead = Direction::kRead;
constexpr auto kWrite = Direction::kWrite;
constexpr std::uint64_t kSecond = 1'000'000'000;

std::string Get(int i) { return "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class DropReasonsTest : public ::testing::Test {
 protected:
  void SetUp() override { test.Send(socket.Open()); }
  void TearDown() override { test.ExpectClosedLedger(); }
  std::uint64_t ResponsesDropped(std::string_view reason) {
    return test.Count("wirespan_responses_dropped_total", {reason}, "reason");
  }
  std::uint64_t Ended(std::string_view reason) {
    return test.Count("wirespan_connections_ended_total", {reason}, "reason");
  }
  std::uint64_t Fate(std::string_view fate) {
    return test.Count("wirespan_data_events_total", {fate}, "fate");
  }

  TableUnderTest test{};
  SocketScript socket{};
};

TEST_F(DropReasonsTest, ResponseInvalid) {
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Write("what no server should say\r\n\r\n"));
  EXPECT_EQ(test.Dropped("response_invalid"), 1u);
  EXPECT_EQ(test.Count("wirespan_heads_lost_total", {"response"}, "direction"), 1u);
}

TEST_F(DropReasonsTest, ResponseLost) {
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Gap(kWrite, kOk.size()));
  EXPECT_EQ(test.Dropped("response_lost"), 1u);
}

TEST_F(DropReasonsTest, FramingLost) {
  test.Send(socket.Read(Get(0) + Get(1)));
  test.Send(socket.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123"));
  test.Send(socket.Gap(kWrite, 5000));  // sizes of chunks among them, or the next answer's head
  EXPECT_EQ(test.Dropped("framing_lost"), 1u);
}

TEST_F(DropReasonsTest, Desynchronized) {
  test.Send(socket.Read(Get(0) + Get(1)));
  test.Send(socket.Gap(kWrite, kOk.size()));  // one answer, or both
  EXPECT_EQ(test.Dropped("response_lost"), 2u);
  test.Send(socket.Read(Get(2)));  // at once: an answer may be owed to another
  test.Send(socket.Write(kOk));
  EXPECT_EQ(test.Dropped("desynchronized"), 1u);
  EXPECT_EQ(ResponsesDropped("desynchronized"), 1u);
  EXPECT_TRUE(test.recorder.exchanges.empty());
}

TEST_F(DropReasonsTest, PipelineFull) {
  TableOptions options;
  options.max_pipelined = 4;
  TableUnderTest bounded(options);
  bounded.Send(socket.Open());
  for (int i = 0; i < 6; ++i) bounded.Send(socket.Read(Get(i)));
  EXPECT_GE(bounded.Dropped("pipeline_full"), 1u);
  bounded.ExpectClosedLedger();
}

TEST_F(DropReasonsTest, Upgraded) {
  test.Send(socket.Read(Get(0) + Get(1)));  // nobody asked for it
  test.Send(socket.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"));
  EXPECT_EQ(test.Only().status, 101);
  EXPECT_EQ(test.Dropped("upgraded"), 1u);
}

TEST_F(DropReasonsTest, Idle) {
  test.Send(socket.Read(Get(0)));
  test.table.Tick(socket.now_ns() + 3500 * kSecond);
  EXPECT_EQ(test.Dropped("idle"), 0u);
  test.table.Tick(socket.now_ns() + 3700 * kSecond);
  EXPECT_EQ(test.Dropped("idle"), 1u);
  EXPECT_EQ(Ended("idle"), 1u);
  EXPECT_EQ(test.table.connections(), 0u);
}

TEST_F(DropReasonsTest, AKeptAliveConnectionIsIdleForLonger) {
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Write(kOk));
  test.table.Tick(socket.now_ns() + 3 * 3600 * kSecond);
  socket.Advance(3 * 3600 * kSecond);
  test.Send(socket.Read(Get(1)));
  test.Send(socket.Write(kOk));
  EXPECT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_FALSE(test.recorder.exchanges.back().connection->joined_late);
  test.table.Tick(socket.now_ns() + 5 * 3600 * kSecond);
  EXPECT_EQ(Ended("idle"), 1u);
  EXPECT_EQ(test.Dropped("idle"), 0u);
}

TEST_F(DropReasonsTest, Shutdown) {
  test.Send(socket.Read(Get(0)));
  test.table.Shutdown();
  EXPECT_EQ(test.Dropped("shutdown"), 1u);
  EXPECT_EQ(Ended("shutdown"), 1u);
}

TEST_F(DropReasonsTest, ResponseWithoutARequest) {
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Write(kOk));
  test.Send(socket.Write(kOk));
  test.table.Tick(socket.now_ns() + 5 * kSecond);  // nor does one come
  EXPECT_EQ(ResponsesDropped("no_request"), 1u);
  EXPECT_EQ(test.Only().status, 200);
}

TEST_F(DropReasonsTest, FatesOfEvents) {
  test.Send(socket.Read(""));
  EXPECT_EQ(Fate("empty"), 1u);
  test.Send(socket.Read("SSH-2.0-x\r\n"));  // decides
  EXPECT_EQ(Fate("consumed"), 1u);
  test.Send(socket.Read("more of it"));
  EXPECT_EQ(Fate("ignored"), 1u);

  test.Send(socket.Close());
  EXPECT_EQ(Ended("gone"), 1u);

  TableOptions options;
  options.max_held_bytes = 100;
  TableUnderTest bounded(options);
  SocketScript behind_a_hole;
  bounded.Send(behind_a_hole.Open());
  behind_a_hole.Lose(kRead, 1);
  bounded.Send(behind_a_hole.Read(std::string(200, 'x')));
  EXPECT_EQ(bounded.Count("wirespan_data_events_total", {"discarded"}, "fate"), 1u);
  EXPECT_EQ(bounded.registry.Value("wirespan_stream_hold_full_total"), 1);
  bounded.ExpectClosedLedger();
}

TEST_F(DropReasonsTest, AGapThatWasGivenUpWaitingFor) {
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Write(kOk));
  socket.Lose(kRead, 10);
  test.Send(socket.Read(Get(1)));
  test.table.Tick(socket.now_ns());
  EXPECT_EQ(test.registry.Value("wirespan_stream_gaps_total"), 0);
  test.table.Tick(socket.now_ns() + kSecond);
  EXPECT_EQ(test.registry.Value("wirespan_stream_gaps_total"), 1);
}

TEST_F(DropReasonsTest, ProcessesThatExplainForgets) {
  TableOptions options;
  options.max_pids = 4;
  TableUnderTest bounded(options);
  for (std::uint32_t i = 1; i <= 10; ++i) {
    SocketScript::Options of;
    of.cookie = 10 + i;
    of.pid = i;
    SocketScript one(of);
    bounded.Send(one.Open());
    bounded.Send(one.Read(Get(0)));
  }
  bounded.table.Publish();
  const auto coverage = bounded.table.CoverageOf();
  ASSERT_EQ(coverage.size(), 5u);
  EXPECT_EQ(coverage[0].pid, 0u);  // stands for all others
  EXPECT_GE(bounded.registry.Value("wirespan_coverage_overflow_total"), 6);
  bounded.ExpectClosedLedger();
}

TEST_F(DropReasonsTest, ProcessExit) {
  test.Send(socket.Read(Get(0)));
  test.table.OnEvent(ExitEvent{socket.now_ns(), 100});
  test.table.Tick(socket.now_ns() + 30 * kSecond);
  EXPECT_EQ(Ended("process_exit"), 1u);
}

}  // namespace
}  // namespace wirespan::connection
