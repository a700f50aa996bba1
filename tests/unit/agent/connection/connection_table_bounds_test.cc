// A table, or the memory, that is full; and what is forgotten.
#include "tests/unit/agent/connection/http1_script.h"

namespace wirespan::connection {
namespace {

using protocol::Outcome;
using testing::SocketScript;

TEST(ConnectionTableBoundsTest, ForgetsTheLongestIdleWhenFull) {
  TableOptions options;
  options.max_connections = 100;
  TableUnderTest test(options);
  for (std::uint64_t cookie = 1; cookie <= 1000; ++cookie) {
    SocketScript::Options socket_options;
    socket_options.cookie = cookie;
    socket_options.start_ns = cookie * 1'000'000;
    SocketScript socket(socket_options);
    test.Send(socket.Open());
    test.Send(socket.Read(kGet));
    EXPECT_LE(test.table.connections(), 100u);
  }
  EXPECT_GE(test.Dropped("table_full"), 900u);
  test.ExpectClosedLedger();
  test.table.Shutdown();
  EXPECT_EQ(test.recorder.open(), 0u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableBoundsTest, AFullTableCostsTheProcessThatFilledIt) {
  TableOptions options;
  options.max_connections = 64;
  TableUnderTest test(options);
  SocketScript::Options quiet;
  quiet.cookie = 1;
  quiet.pid = 7;
  SocketScript old(quiet);
  test.Send(old.Open());
  test.Send(old.Read(Get(0)));
  test.Send(old.Write(Answer(0)));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    SocketScript::Options loud;
    loud.cookie = 100 + i;
    loud.pid = 8;
    loud.start_ns = 2'000'000'000 + i * 1'000'000;
    SocketScript socket(loud);
    test.Send(socket.Open());
    test.Send(socket.Read(Get(1)));
  }
  // Still the same connection, not one that was joined late.
  test.Send(old.Read(Get(2)));
  test.Send(old.Write(Answer(2)));
  EXPECT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_FALSE(test.recorder.exchanges.back().connection->joined_late);
  EXPECT_LE(test.table.connections(), 64u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableBoundsTest, TakesNoMoreInWhenMemoryIsShort) {
  TableUnderTest test;
  SocketScript::Options first_options;
  first_options.cookie = 1;
  SocketScript first(first_options);
  test.Send(first.Open());
  test.table.SetPressure(Pressure::kNear);
  test.Send(first.Read(Get(0)));
  test.Send(first.Write(Answer(0)));
  SocketScript::Options second_options;
  second_options.cookie = 2;
  SocketScript second(second_options);
  test.Send(second.Open());
  test.Send(second.Read(Get(1)));
  test.Send(second.Write(Answer(1)));
  EXPECT_EQ(test.recorder.exchanges.size(), 1u);
  EXPECT_EQ(test.table.connections(), 1u);
  EXPECT_EQ(test.Count("wirespan_data_events_total", {"memory"}, "fate"), 2u);
  EXPECT_EQ(test.registry.Value("wirespan_connections_refused_total"), 1);

  test.Send(first.Read(Get(2)));  // stays open
  test.table.SetPressure(Pressure::kOver);
  EXPECT_EQ(test.table.connections(), 0u);
  EXPECT_EQ(test.Dropped("memory"), 1u);
  test.Send(first.Write(Answer(2)));
  EXPECT_EQ(test.Count("wirespan_data_events_total", {"memory"}, "fate"), 3u);

  test.table.SetPressure(Pressure::kNone);
  test.Send(second.Read(Get(3)));
  test.Send(second.Write(Answer(3)));
  EXPECT_EQ(test.recorder.exchanges.size(), 2u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableBoundsTest, ForgetsConnectionsOfProcessesThatEnded) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(kGet));
  test.table.OnEvent(ExitEvent{socket.now_ns(), 100});
  test.table.Tick(socket.now_ns() + 30'000'000'000);
  EXPECT_EQ(test.table.connections(), 0u);
  EXPECT_EQ(test.Only().outcome, Outcome::kNoResponse);
}

TEST(ConnectionTableBoundsTest, HoldsNoMoreThanItsBounds) {
  TableOptions options;
  options.max_held_pieces = 16;
  options.max_held_bytes = 4096;
  TableUnderTest test(options);
  SocketScript socket;
  test.Send(socket.Open());
  socket.Lose(kRead, 1);
  for (int i = 0; i < 1000; ++i) {
    test.Send(socket.Read(std::string(700, 'x')));
    socket.Lose(kRead, 1);
    EXPECT_LE(test.table.held_events(), 16u);
    EXPECT_LE(test.table.held_bytes(), 4096u);
  }
  test.Send(socket.Close());
  EXPECT_EQ(test.table.held_events(), 0u);
  EXPECT_EQ(test.table.held_bytes(), 0u);
  test.ExpectClosedLedger();
}

}  // namespace
}  // namespace wirespan::connection
