#include "agent/connection/connection_table.h"

#include "tests/unit/agent/connection/http1_script.h"

namespace wirespan::connection {
namespace {

using protocol::Exchange;
using protocol::Outcome;
using protocol::Side;
using testing::SocketScript;

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

}  // namespace
}  // namespace wirespan::connection
