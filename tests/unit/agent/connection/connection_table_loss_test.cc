// Events that come late, twice or not at all, and heads that were cut: no answer is ever told with
// another's request.
#include "tests/unit/agent/connection/http1_script.h"

namespace wirespan::connection {
namespace {

using protocol::Exchange;
using protocol::Side;
using testing::SocketScript;

TEST(ConnectionTableLossTest, WaitsForTheRequestsEvent) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  const auto request = socket.Write(kGet);
  const auto response = socket.Read(kOk);
  test.Send(response);
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  EXPECT_EQ(test.table.held_events(), 1u);
  test.Send(request);
  EXPECT_EQ(test.Only().side, Side::kClient);
  EXPECT_EQ(test.Only().status, 200);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, ReordersWithinADirectionAndDropsDuplicates) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  const auto a = socket.Read("GET /x HT");
  const auto b = socket.Read("TP/1.1\r\nHost");
  const auto c = socket.Read(": h\r\n\r\n");
  test.Send(a);
  test.Send(c);
  test.Send(a);
  test.Send(b);
  test.Send(b);
  test.Send(socket.Write(kOk));
  EXPECT_EQ(test.Only().host, "h");
  EXPECT_EQ(test.Count("wirespan_data_events_total", {"duplicate"}, "fate"), 2u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, JoinsAConnectionInTheMiddleOfAnAnswer) {
  TableUnderTest test;
  SocketScript::Options options;
  options.joined_late = true;
  options.read_offset = 5000;
  options.write_offset = 70000;
  SocketScript socket(options);
  test.Send(socket.Open());
  test.Send(socket.Write("the end of some body"));
  test.Send(socket.Read(kGet));
  test.Send(socket.Write(kOk));
  EXPECT_EQ(test.Only().side, Side::kServer);
  EXPECT_EQ(test.Only().status, 200);
  EXPECT_EQ(test.Only().request_offset, 5000u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, CountsAnAnswerWhoseRequestWasBeforeItsTime) {
  TableUnderTest test;
  SocketScript::Options options;
  options.joined_late = true;
  SocketScript socket(options);
  test.Send(socket.Write(kOk));
  socket.Advance(1'000'000);
  test.Send(socket.Read(Get(1)));
  test.Send(socket.Write(Answer(1)));
  EXPECT_EQ(test.Only().target, "/1");
  EXPECT_EQ(test.Only().response_content_type, "x/1");
  EXPECT_EQ(test.Count("wirespan_responses_dropped_total", {"late_join"}, "reason"), 1u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, MakesAnExchangeOfACutHead) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  for (int i = 0; i < 2; ++i) {
    const std::string head =
        "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nCookie: " + std::string(20'000, 'c');
    test.Send(socket.Data(kRead, head + "\r\n\r\n", 16'384));
    test.Send(socket.Write(Answer(i)));
  }
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const Exchange& exchange = test.recorder.exchanges[static_cast<std::size_t>(i)].exchange;
    EXPECT_EQ(exchange.incomplete, protocol::kIncompleteRequestHead);
    EXPECT_EQ(exchange.host, "h");
    EXPECT_EQ(exchange.target, "/" + std::to_string(i));
    EXPECT_EQ(exchange.response_content_type, "x/" + std::to_string(i));
  }
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, ACutAnswerEndsAtTheNextRequest) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Data(
      kWrite, "HTTP/1.1 200 OK\r\nContent-Type: x/0\r\nSet-Cookie: " + std::string(20'000, 'c'),
      100));
  const std::uint64_t last_ns = socket.now_ns();
  test.Send(socket.Read(Get(1)));
  EXPECT_EQ(test.Only().status, 200);
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteResponseHead);
  EXPECT_EQ(test.Only().response_end_ns, last_ns);
  EXPECT_FALSE(test.Only().response_body_bytes.has_value());
  test.Send(socket.Write(Answer(1)));
  EXPECT_EQ(test.recorder.exchanges[1].exchange.response_content_type, "x/1");
}

TEST(ConnectionTableLossTest, AChunkedAnswerWithUnseenFramingSaysSo) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(Get(0)));
  test.Send(socket.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123"));
  test.Send(socket.Gap(kWrite, 5000));
  test.Send(socket.Write("0\r\n\r\n"));
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteResponseBody);
  EXPECT_EQ(test.Only().response_body_bytes, 16u);
  test.Send(socket.Read(Get(1)));
  test.Send(socket.Write(Answer(1)));
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.recorder.exchanges[1].exchange.response_content_type, "x/1");
}

TEST(ConnectionTableLossTest, NeverPairsAcrossALostRequest) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  for (int i = 0; i < 6; ++i) {
    if (i == 2) {
      socket.Lose(kRead, Get(2).size());
    } else {
      test.Send(socket.Read(Get(i)));
    }
    test.Send(socket.Write(Answer(i)));
    socket.Advance(200'000'000);
    test.table.Tick(socket.now_ns());
  }
  test.table.Tick(socket.now_ns() + 5'000'000'000);
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    EXPECT_EQ("x" + observed.exchange.target.str(), observed.exchange.response_content_type);
  }
  EXPECT_EQ(test.recorder.exchanges.size(), 5u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, NeverPairsAcrossALostAnswer) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  for (int i = 0; i < 6; ++i) {
    test.Send(socket.Read(Get(i)));
    if (i == 2) {
      test.Send(socket.Gap(kWrite, Answer(2).size()));
    } else {
      test.Send(socket.Write(Answer(i)));
    }
  }
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    EXPECT_EQ("x" + observed.exchange.target.str(), observed.exchange.response_content_type);
  }
  EXPECT_EQ(test.recorder.exchanges.size(), 5u);
  EXPECT_EQ(test.Dropped("response_lost"), 1u);
  EXPECT_EQ(test.recorder.lost, 1u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableLossTest, IsSoonInStepAgainOnABusyConnectionThatLostBothWays) {
  for (const bool client : {false, true}) {
    SCOPED_TRACE(client);
    const auto requests = client ? kWrite : kRead;
    const auto answers = client ? kRead : kWrite;
    TableUnderTest test;
    SocketScript::Options socket_options;
    socket_options.opener = client ? Opener::kLocal : Opener::kRemote;
    SocketScript socket(socket_options);
    test.Send(socket.Open());
    int lost = 0;
    std::uint64_t tick_ns = socket.now_ns();
    for (int i = 0; i < 1000; ++i) {
      // Now both, now one of the two, never at a seam between exchanges alone.
      const bool lose_request = i % 200 >= 100 && i % 200 < 110;
      const bool lose_answer = i % 200 >= 99 && i % 200 < 109;
      lost += lose_request || lose_answer;
      if (lose_request) {
        socket.Lose(requests, Get(i).size());
      } else {
        test.Send(client ? socket.Write(Get(i)) : socket.Read(Get(i)));
      }
      socket.Advance(300'000);
      if (lose_answer) {
        socket.Lose(answers, Answer(i).size());
      } else {
        test.Send(client ? socket.Read(Answer(i)) : socket.Write(Answer(i)));
      }
      socket.Advance(300'000);
      if (socket.now_ns() - tick_ns < 50'000'000) continue;
      tick_ns = socket.now_ns();
      test.table.Tick(tick_ns);
    }
    test.table.Tick(socket.now_ns() + 5'000'000'000);
    for (const ObservedExchange& observed : test.recorder.exchanges) {
      EXPECT_EQ("x" + observed.exchange.target.str(), observed.exchange.response_content_type);
    }
    EXPECT_GE(test.recorder.exchanges.size(), 1000u - static_cast<std::size_t>(lost) - 3 * 5);
    test.ExpectClosedLedger();
  }
}

TEST(ConnectionTableLossTest, AnEndBeyondWhatWasToldHidesAnAnswer) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(kGet));
  auto close = socket.Close();
  std::get<CloseEvent>(close.event).write_end_offset = 300;
  test.Send(close);
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  EXPECT_EQ(test.Dropped("response_lost"), 1u);
  test.ExpectClosedLedger();
}

}  // namespace
}  // namespace wirespan::connection
