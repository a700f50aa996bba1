#include "agent/connection/connection_table.h"

#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

using protocol::Exchange;
using protocol::Outcome;
using protocol::Side;
using testing::SocketScript;

constexpr auto kRead = Direction::kRead;
constexpr auto kWrite = Direction::kWrite;
const std::string kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string Get(int i) { return "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
std::string Answer(int i) {
  return "HTTP/1.1 200 OK\r\nContent-Type: x/" + std::to_string(i) +
         "\r\nContent-Length: 2\r\n\r\nok";
}

TEST(ConnectionTableTest, SeesAServersExchange) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(kGet));
  const std::uint64_t read_ns = socket.now_ns();
  socket.set_tid(101);
  test.Send(socket.Write(kOk));
  const Exchange& exchange = test.Only();
  EXPECT_EQ(exchange.side, Side::kServer);
  EXPECT_EQ(exchange.outcome, Outcome::kComplete);
  EXPECT_EQ(exchange.method, "GET");
  EXPECT_EQ(exchange.target, "/x");
  EXPECT_EQ(exchange.host, "h");
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.request_body_bytes, 0u);
  EXPECT_EQ(exchange.response_body_bytes, 5u);
  EXPECT_EQ(exchange.pid, 100u);
  EXPECT_EQ(exchange.request_tid, 100u);
  EXPECT_EQ(exchange.response_tid, 101u);
  EXPECT_EQ(exchange.request_start_ns, read_ns);
  EXPECT_EQ(exchange.response_end_ns, socket.now_ns());
  EXPECT_EQ(exchange.request_offset, 0u);
  EXPECT_TRUE(exchange.wire_exact);
  EXPECT_FALSE(exchange.overlapped);
  EXPECT_EQ(exchange.incomplete, 0);
  EXPECT_EQ(test.recorder.exchanges[0].connection->local.port, 8080);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableTest, SeesAClientsExchangeFromTheEntryOfItsWrite) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  const std::uint64_t before_ns = socket.now_ns();
  test.Send(socket.Write(kGet));
  test.Send(socket.Read(kOk));
  EXPECT_EQ(test.Only().side, Side::kClient);
  EXPECT_EQ(test.Only().request_start_ns, before_ns + 500);
}

TEST(ConnectionTableTest, SeesTheSameAtEveryCut) {
  const std::string request =
      "\r\nPOST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: v\r\n\r\n";
  for (std::size_t piece = 1; piece < 60; ++piece) {
    SCOPED_TRACE(piece);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    for (int round = 0; round < 2; ++round) {
      test.Send(socket.Pieces(kRead, request, piece));
      test.Send(socket.Pieces(kWrite, "HTTP/1.1 100 Continue\r\n\r\n" + kOk, piece));
    }
    ASSERT_EQ(test.recorder.exchanges.size(), 2u);
    for (const ObservedExchange& observed : test.recorder.exchanges) {
      EXPECT_EQ(observed.exchange.method, "POST");
      EXPECT_EQ(observed.exchange.status, 200);
      EXPECT_EQ(observed.exchange.request_body_bytes, 3u);
      EXPECT_EQ(observed.exchange.response_body_bytes, 5u);
      EXPECT_FALSE(observed.exchange.overlapped);
    }
    test.ExpectClosedLedger();
  }
}

TEST(ConnectionTableTest, PairsPipelinedRequestsInOrder) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(Get(0) + Get(1) + Get(2)));
  EXPECT_EQ(test.recorder.open(), 3u);
  test.Send(socket.Write(Answer(0)));
  test.Send(socket.Write(Answer(1) + Answer(2)));
  ASSERT_EQ(test.recorder.exchanges.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const Exchange& exchange = test.recorder.exchanges[static_cast<std::size_t>(i)].exchange;
    EXPECT_EQ(exchange.target, "/" + std::to_string(i));
    EXPECT_EQ(exchange.response_content_type, "x/" + std::to_string(i));
    EXPECT_EQ(exchange.overlapped, i != 0);
  }
}

TEST(ConnectionTableTest, CountsBodiesThatPassUnseen) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("PUT /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"));
  test.Send(socket.Gap(kRead, 999'999));
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  test.Send(socket.Gap(kRead, 1));
  test.Send(socket.Data(
      kWrite, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + std::string(1000, 'x'), 60));
  test.Send(socket.Gap(kWrite, 5'000'000 - 1000));
  EXPECT_EQ(test.Only().request_body_bytes, 1'000'000u);
  EXPECT_EQ(test.Only().response_body_bytes, 5'000'000u);
  EXPECT_EQ(test.Only().incomplete, 0);
  EXPECT_EQ(test.Only().response_end_ns, socket.now_ns());
}

TEST(ConnectionTableTest, KnowsResponsesWithoutBodies) {
  for (const auto& [method, status, size] : {std::tuple{"HEAD", "200", 100},
                                             {"GET", "204", 7},
                                             {"GET", "304", 100},
                                             {"GET", "205", 0}}) {
    SCOPED_TRACE(status);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    for (int round = 0; round < 2; ++round) {
      test.Send(socket.Read(std::string(method) + " / HTTP/1.1\r\n\r\n"));
      test.Send(socket.Write("HTTP/1.1 " + std::string(status) +
                             " X\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"));
    }
    ASSERT_EQ(test.recorder.exchanges.size(), 2u);
    EXPECT_EQ(test.recorder.exchanges[1].exchange.response_body_bytes, 0u);
  }
}

TEST(ConnectionTableTest, EndsAtAnUpgradeAndLooksNoFurther) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  test.Send(socket.Read("\x81\x05hello"));  // its event came before the answer's
  test.Send(
      socket.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x03yes"));
  test.Send(socket.Read(kGet));
  EXPECT_EQ(test.Only().outcome, Outcome::kUpgraded);
  EXPECT_EQ(test.Only().status, 101);
  EXPECT_EQ(test.Only().response_body_bytes, 0u);
  EXPECT_EQ(test.table.CoverageOf()[0].upgraded_connections, 1u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableTest, GoesOnWhenAnUpgradeIsRefused) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"));
  test.Send(socket.Read(Get(1)));
  test.Send(socket.Write(Answer(0)));
  test.Send(socket.Write(Answer(1)));
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.recorder.exchanges[1].exchange.target, "/1");
}

TEST(ConnectionTableTest, EndsAtATunnel) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Write("CONNECT a:443 HTTP/1.1\r\n\r\n"));
  test.Send(socket.Read("HTTP/1.1 200 Connection established\r\n\r\n"));
  test.Send(socket.Write("\x16\x03\x01zzz"));
  EXPECT_EQ(test.Only().outcome, Outcome::kUpgraded);
  EXPECT_EQ(test.Only().target, "a:443");
}

TEST(ConnectionTableTest, ABodyUntilTheEndEndsThere) {
  for (const bool half : {true, false}) {
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Read("GET / HTTP/1.0\r\n\r\n"));
    test.Send(socket.Write("HTTP/1.0 200 OK\r\n\r\nabc"));
    test.Send(socket.Gap(kWrite, 97));
    const std::uint64_t last_ns = socket.now_ns();
    EXPECT_EQ(test.recorder.exchanges.size(), 0u);
    test.Send(half ? socket.End(kWrite) : socket.Close());
    EXPECT_EQ(test.Only().outcome, Outcome::kComplete);
    EXPECT_EQ(test.Only().response_body_bytes, 100u);
    EXPECT_EQ(test.Only().response_end_ns, last_ns);
  }
}

TEST(ConnectionTableTest, TellsHowAnExchangeFailed) {
  struct Case {
    std::string response;
    bool reset;
    Outcome outcome;
  };
  for (const Case& one :
       {Case{"", false, Outcome::kNoResponse},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false, Outcome::kResponseAborted},
        Case{"HTTP/1.1 200 OK\r\n\r\nabc", true, Outcome::kResponseAborted},
        Case{"HTTP/1.1 200 OK\r\nContent-Le", false, Outcome::kResponseAborted}}) {
    SCOPED_TRACE(one.response);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Read(kGet));
    if (!one.response.empty()) test.Send(socket.Write(one.response));
    test.Send(socket.Close(one.reset));
    EXPECT_EQ(test.Only().outcome, one.outcome);
    EXPECT_EQ(test.Only().status, one.response.empty() ? 0 : 200);
    test.ExpectClosedLedger();
    EXPECT_EQ(test.table.connections(), 0u);
  }
}

TEST(ConnectionTableTest, ReportsARequestThatWasNeverFinished) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("POST /slow HTTP/1.1\r\nHost: h\r\nX-"));
  test.Send(socket.Close());
  EXPECT_EQ(test.Only().outcome, Outcome::kNoResponse);
  EXPECT_EQ(test.Only().target, "/slow");
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteRequestHead);
}

TEST(ConnectionTableTest, TellsOfAnUploadThatWasGivenUp) {
  for (const bool reset : {false, true}) {
    for (const bool chunked : {false, true}) {
      SCOPED_TRACE(std::string(reset ? "reset " : "closed ") + (chunked ? "chunked" : "length"));
      TableUnderTest test;
      SocketScript socket;
      test.Send(socket.Open());
      test.Send(socket.Read(chunked
                                ? "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc"
                                : "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
      test.Send(socket.Close(reset));
      EXPECT_EQ(test.Only().outcome, Outcome::kNoResponse);
      EXPECT_EQ(test.Only().status, 0);
      EXPECT_EQ(test.Only().request_body_bytes, 3u);
      EXPECT_EQ(test.Only().incomplete, 0);  // all that was sent was seen
      test.ExpectClosedLedger();
    }
  }
}

TEST(ConnectionTableTest, TakesAnAnswerBeforeTheWholeRequest) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
  test.Send(socket.Write("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  test.Send(socket.Gap(kRead, 97));
  EXPECT_EQ(test.Only().status, 413);
  EXPECT_EQ(test.Only().request_body_bytes, 100u);
}

TEST(ConnectionTableTest, DoesNotWaitForeverForTheRestOfARequest) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
  test.Send(socket.Write("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"));
  test.table.Tick(socket.now_ns() + 2'000'000'000);
  EXPECT_EQ(test.Only().request_body_bytes, 3u);
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteRequestBody);
}

TEST(ConnectionTableTest, WaitsForTheRequestsEvent) {
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

TEST(ConnectionTableTest, ReordersWithinADirectionAndDropsDuplicates) {
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

TEST(ConnectionTableTest, JoinsAConnectionInTheMiddleOfAnAnswer) {
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

TEST(ConnectionTableTest, CountsAnAnswerWhoseRequestWasBeforeItsTime) {
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

TEST(ConnectionTableTest, MakesAnExchangeOfACutHead) {
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

TEST(ConnectionTableTest, ACutAnswerEndsAtTheNextRequest) {
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

TEST(ConnectionTableTest, AChunkedAnswerWithUnseenFramingSaysSo) {
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

TEST(ConnectionTableTest, NeverPairsAcrossALostRequest) {
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

TEST(ConnectionTableTest, NeverPairsAcrossALostAnswer) {
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

TEST(ConnectionTableTest, IsSoonInStepAgainOnABusyConnectionThatLostBothWays) {
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

TEST(ConnectionTableTest, ReadsAProxyPreamble) {
  for (const std::size_t piece : {1u, 7u, 1000u}) {
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Pieces(kRead, "PROXY TCP4 203.0.113.5 192.0.2.1 4242 80\r\n" + kGet, piece));
    test.Send(socket.Write(kOk));
    EXPECT_EQ(test.Only().proxy_client_address, "203.0.113.5");
    EXPECT_EQ(test.Only().proxy_client_port, 4242);
    EXPECT_EQ(test.Only().request_offset, 42u);
  }
}

TEST(ConnectionTableTest, ReadsABinaryProxyPreamble) {
  const std::string preamble = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                               std::string("\xcb\0\x71\x05\x0a\0\0\1\xdc\4\1\xbb", 12);
  for (const std::size_t piece : {1u, 7u, 16u, 1000u}) {
    SCOPED_TRACE(piece);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Pieces(kRead, preamble + kGet, piece));
    test.Send(socket.Write(kOk));
    test.Send(socket.Read(kGet));
    test.Send(socket.Write(kOk));
    ASSERT_EQ(test.recorder.exchanges.size(), 2u);
    EXPECT_EQ(test.recorder.exchanges[0].exchange.request_offset, preamble.size());
    for (const ObservedExchange& observed : test.recorder.exchanges) {
      EXPECT_EQ(observed.exchange.side, Side::kServer);
      EXPECT_EQ(observed.exchange.proxy_client_address, "203.0.113.5");
      EXPECT_EQ(observed.exchange.proxy_client_port, 56324);
    }
    test.ExpectClosedLedger();
  }
}

TEST(ConnectionTableTest, NamesWhatItCannotRead) {
  std::vector<ConnectionId> ignored;
  TableOptions options;
  options.on_ignored = [&](ConnectionId id) { ignored.push_back(id); };
  TableUnderTest test(options);
  const std::string hello = "\x16\x03\x01" + std::string("\x00\x05\x01\x00\x00\x01x", 7);
  for (const std::string& first :
       {hello, std::string("SSH-2.0-x\r\n"), std::string("*1\r\n$4\r\nPING\r\n"),
        std::string("get foo\r\n")}) {
    SocketScript::Options socket_options;
    socket_options.cookie = 10 + ignored.size();
    SocketScript socket(socket_options);
    test.Send(socket.Open());
    test.Send(socket.Read(first));
    test.Send(socket.Read(kGet));
  }
  EXPECT_EQ(ignored.size(), 4u);
  const Coverage coverage = test.table.CoverageOf().at(0);
  EXPECT_EQ(coverage.pid, 100u);
  EXPECT_EQ(coverage.tls_connections, 1u);
  EXPECT_EQ(coverage.opaque_connections, 3u);
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  test.ExpectClosedLedger();
}

TEST(ConnectionTableTest, ForgetsTheLongestIdleWhenFull) {
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

TEST(ConnectionTableTest, AFullTableCostsTheProcessThatFilledIt) {
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

TEST(ConnectionTableTest, TakesNoMoreInWhenMemoryIsShort) {
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

TEST(ConnectionTableTest, ForgetsConnectionsOfProcessesThatEnded) {
  TableUnderTest test;
  SocketScript socket;
  test.Send(socket.Open());
  test.Send(socket.Read(kGet));
  test.table.OnEvent(ExitEvent{socket.now_ns(), 100});
  test.table.Tick(socket.now_ns() + 30'000'000'000);
  EXPECT_EQ(test.table.connections(), 0u);
  EXPECT_EQ(test.Only().outcome, Outcome::kNoResponse);
}

TEST(ConnectionTableTest, HoldsNoMoreThanItsBounds) {
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

TEST(ConnectionTableTest, AnEndBeyondWhatWasToldHidesAnAnswer) {
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
