// HTTP/2 and gRPC by hand: each way a stream can go.
#include "agent/connection/http2_connection.h"

#include "tests/unit/agent/connection/http2_script.h"
#include "tests/unit/agent/connection/table_fixture.h"

namespace wirespan::connection {
namespace {

using namespace script;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;
using protocol::Side;
using wirespan::testing::SocketScript;

constexpr auto kRead = Direction::kRead;
constexpr auto kWrite = Direction::kWrite;
constexpr std::uint64_t kSecond = 1'000'000'000;

// A server's connection with both first words said.
struct Server : TableUnderTest {
  explicit Server(TableOptions options = {}) : TableUnderTest(std::move(options)) {
    Send(socket.Open());
    Send(socket.Read(Hello()));
    Send(socket.Write(Settings()));
  }
  void Wait(std::uint64_t ns) {
    socket.Advance(ns);
    table.Tick(socket.now_ns());
  }
  SocketScript socket{};
};

TEST(Http2ConnectionTest, SeesAServersExchange) {
  Server test;
  const std::uint64_t offset = test.socket.end_of(kRead);
  test.Send(test.socket.Read(Get(1, "/x")));
  const std::uint64_t read_ns = test.socket.now_ns();
  test.socket.set_tid(101);
  test.Send(test.socket.Write(Ok(1) + Data(1, "hello", true)));
  const Exchange& exchange = test.Only();
  EXPECT_EQ(exchange.protocol, Protocol::kHttp2);
  EXPECT_EQ(exchange.side, Side::kServer);
  EXPECT_EQ(exchange.outcome, Outcome::kComplete);
  EXPECT_EQ(exchange.method, "GET");
  EXPECT_EQ(exchange.target, "/x");
  EXPECT_EQ(exchange.host, "h");
  EXPECT_EQ(exchange.scheme, "http");
  EXPECT_EQ(exchange.version_major, 2);
  EXPECT_EQ(exchange.version_minor, 0);
  EXPECT_EQ(exchange.status, 200);
  EXPECT_EQ(exchange.response_content_type, "text/plain");
  EXPECT_EQ(exchange.request_body_bytes, 0u);
  EXPECT_EQ(exchange.response_body_bytes, 5u);
  EXPECT_EQ(exchange.request_tid, 100u);
  EXPECT_EQ(exchange.response_tid, 101u);
  EXPECT_EQ(exchange.request_start_ns, read_ns);
  EXPECT_EQ(exchange.response_end_ns, test.socket.now_ns());
  EXPECT_EQ(exchange.request_offset, offset);
  EXPECT_EQ(exchange.stream_id, 1u);
  EXPECT_TRUE(exchange.wire_exact);
  EXPECT_FALSE(exchange.overlapped);
  EXPECT_FALSE(exchange.rpc.has_value());
  EXPECT_EQ(exchange.incomplete, 0);
  EXPECT_EQ(test.table.CoverageOf()[0].http2_connections, 1u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, SeesTheSameAtEveryCut) {
  const std::string requests =
      Hello() + Call(1, "/a/B", "3S") + Data(1, Grpc("abc"), true) + Get(3, "/c") + Reset(3, 8);
  const std::string answers =
      Settings() + GrpcOk(1) + Data(1, Grpc("defg")) + Trailers(1, "5", "no%20such") + Ok(3);
  for (std::size_t piece = 1; piece < 80; ++piece) {
    SCOPED_TRACE(piece);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Pieces(kRead, requests, piece));
    test.Send(socket.Pieces(kWrite, answers, piece));
    test.table.Tick(socket.now_ns() + kSecond);
    ASSERT_EQ(test.recorder.exchanges.size(), 2u);
    const Exchange& call = test.recorder.exchanges[0].exchange;
    EXPECT_EQ(call.protocol, Protocol::kGrpc);
    EXPECT_EQ(call.target, "/a/B");
    EXPECT_EQ(call.status, 200);
    ASSERT_TRUE(call.rpc.has_value());
    EXPECT_EQ(call.rpc->status, 5);
    EXPECT_FALSE(call.rpc->status_inferred);
    EXPECT_EQ(call.rpc->message, "no such");
    EXPECT_EQ(call.rpc->timeout_ns, 3 * kSecond);
    EXPECT_EQ(call.rpc->request_messages, 1u);
    EXPECT_EQ(call.rpc->request_bytes, 3u);
    EXPECT_EQ(call.rpc->response_messages, 1u);
    EXPECT_EQ(call.rpc->response_bytes, 4u);
    EXPECT_TRUE(call.rpc->request_exact && call.rpc->response_exact);
    test.ExpectClosedLedger();
  }
}

TEST(Http2ConnectionTest, TakesAnAnswerBeforeItsRequest) {
  Server test;
  const auto request = test.socket.Read(Get(1, "/x"));
  const auto answer = test.socket.Write(Ok(1) + Data(1, "hello", true));
  test.Send(answer);
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  test.ExpectClosedLedger();
  test.Send(request);
  EXPECT_EQ(test.Only().status, 200);
  EXPECT_EQ(test.Only().response_body_bytes, 5u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, WaitsNotForeverForTheRequestOfAnAnswer) {
  Server test;
  const auto request = test.socket.Read(Get(1, "/x"));
  test.Send(test.socket.Write(Ok(1) + Data(1, "hello", true)));
  test.Wait(2 * kSecond);
  test.ExpectClosedLedger();
  EXPECT_EQ(test.Count("wirespan_responses_dropped_total", {"no_request"}, "reason"), 1u);
  test.Send(request);  // its answer is gone: never an exchange without one
  test.Wait(100 * kSecond);
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  EXPECT_EQ(test.Dropped("response_lost"), 1u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, CountsBodiesThatPassUnseen) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/x", false)));
  test.Send(test.socket.Data(kRead, Data(1, std::string(1000, 'x')), 9));
  auto run = test.socket.Gap(kRead, 5 * 9 + 5000);
  std::get<DataEvent>(run.event).run = {1, 5, 5000};
  test.Send(run);
  test.Send(test.socket.Read(Data(1, "", true)));
  test.Send(test.socket.Write(Ok(1, true)));
  EXPECT_EQ(test.Only().request_body_bytes, 6000u);
  EXPECT_EQ(test.Only().response_body_bytes, 0u);
  EXPECT_EQ(test.Only().incomplete, 0);
}

TEST(Http2ConnectionTest, PassesInterimResponsesAndTrailersBy) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/x", false)));
  test.Send(test.socket.Write(Headers(1, {{":status", "100"}})));
  test.Send(test.socket.Read(Data(1, "abc") + Headers(1, {{"x-sum", "1"}}, true)));
  test.Send(test.socket.Write(Headers(1, {{":status", "103"}}) + Ok(1) + Data(1, "yes") +
                              Headers(1, {{"x-sum", "2"}}, true)));
  EXPECT_EQ(test.Only().status, 200);
  EXPECT_EQ(test.Only().request_body_bytes, 3u);
  EXPECT_EQ(test.Only().response_body_bytes, 3u);
  EXPECT_EQ(test.Count("wirespan_messages_total", {"interim"}, "kind"), 2u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, TakesAnAnswerBeforeTheWholeRequest) {
  for (const bool reset : {true, false}) {
    Server test;
    test.Send(test.socket.Read(Get(1, "/x", false) + Data(1, "abc")));
    test.Send(test.socket.Write(Headers(1, {{":status", "413"}}, true)));
    const std::uint64_t end_ns = test.socket.now_ns();
    EXPECT_EQ(test.recorder.exchanges.size(), 0u);
    if (reset) test.Send(test.socket.Write(Reset(1, 0)));
    test.Wait(reset ? kSecond / 4 : 2 * kSecond);
    EXPECT_EQ(test.Only().status, 413);
    EXPECT_EQ(test.Only().outcome, Outcome::kComplete);
    EXPECT_EQ(test.Only().reset, protocol::Reset::kNone);
    EXPECT_EQ(test.Only().request_body_bytes, 3u);
    EXPECT_EQ(test.Only().response_end_ns, end_ns);
    EXPECT_EQ(test.Only().incomplete, reset ? 0 : protocol::kIncompleteRequestBody);
    test.ExpectClosedLedger();
  }
}

TEST(Http2ConnectionTest, TellsHowAStreamWasGivenUp) {
  for (const bool client : {true, false}) {
    for (const bool answered : {true, false}) {
      Server test;
      test.Send(test.socket.Read(Get(1, "/x")));
      if (answered) test.Send(test.socket.Write(Ok(1) + Data(1, "part")));
      test.Send(client ? test.socket.Read(Reset(1, 8)) : test.socket.Write(Reset(1, 2)));
      const std::uint64_t end_ns = test.socket.now_ns();
      test.Wait(kSecond / 4);
      EXPECT_EQ(test.Only().outcome, answered ? Outcome::kResponseAborted : Outcome::kNoResponse);
      EXPECT_EQ(test.Only().reset, client ? protocol::Reset::kClient : protocol::Reset::kServer);
      EXPECT_EQ(test.Only().reset_code, client ? 8u : 2u);
      EXPECT_EQ(test.Only().response_end_ns, end_ns);
      test.ExpectClosedLedger();
    }
  }
}

TEST(Http2ConnectionTest, AResetThatCameAfterTheAnswerChangesNothing) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/x", false)));
  const auto answer = test.socket.Write(Ok(1) + Data(1, "all", true));
  const auto reset = test.socket.Read(Reset(1, 8));
  test.Send(reset);  // ... but its event came first
  test.Send(answer);
  EXPECT_EQ(test.Only().outcome, Outcome::kComplete);
  EXPECT_EQ(test.Only().reset, protocol::Reset::kNone);
  EXPECT_EQ(test.Only().response_body_bytes, 3u);
}

TEST(Http2ConnectionTest, AnAnswerWrittenAfterTheResetCountsNotAnyMore) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/x") + Reset(1, 8)));
  test.socket.Advance(1000);
  test.Send(test.socket.Write(Ok(1) + Data(1, "late", true)));
  test.Wait(kSecond / 4);
  EXPECT_EQ(test.Only().outcome, Outcome::kNoResponse);
  EXPECT_EQ(test.Only().status, 0);
  EXPECT_EQ(test.Count("wirespan_responses_dropped_total", {"stream_ended"}, "reason"), 1u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, StreamsAboveTheGoawayWereNotProcessed) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/1") + Get(3, "/3")));
  test.Send(test.socket.Write(Goaway(0x7fffffff, 0)));  // a warning
  test.Send(test.socket.Write(Goaway(1, 7)));
  test.Send(test.socket.Read(Get(5, "/5") + Call(7, "/s/m")));
  test.Send(test.socket.Write(Ok(1, true)));
  test.Wait(kSecond / 4);
  ASSERT_EQ(test.recorder.exchanges.size(), 4u);
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const Exchange& exchange = observed.exchange;
    if (exchange.stream_id == 1) {
      EXPECT_EQ(exchange.status, 200);
      continue;
    }
    EXPECT_EQ(exchange.outcome, Outcome::kNoResponse);
    EXPECT_EQ(exchange.reset, protocol::Reset::kGoaway);
    EXPECT_EQ(exchange.reset_code, 7u);
    EXPECT_LE(exchange.request_start_ns, exchange.response_end_ns);
    if (exchange.stream_id == 7) {
      EXPECT_EQ(exchange.rpc->status, 14);
      EXPECT_TRUE(exchange.rpc->status_inferred);
    }
  }
  EXPECT_EQ(test.AllDropped(), 0u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, ConcludesAStatusThatWasNotSaid) {
  struct Case {
    std::uint64_t after_ns;
    bool client;
    std::uint32_t code;
    int status;
  };
  for (const Case& one : {Case{kSecond, true, 8, 4}, Case{kSecond / 100 * 98, true, 8, 4},
                          Case{kSecond / 2, true, 8, 1}, Case{kSecond / 2, false, 7, 14},
                          Case{kSecond, false, 8, 4}}) {
    SCOPED_TRACE(one.after_ns);
    Server test;
    test.Send(test.socket.Read(Call(1, "/a/B", "1S") + Data(1, Grpc("x"), true)));
    test.socket.Advance(one.after_ns);
    test.Send(one.client ? test.socket.Read(Reset(1, one.code))
                         : test.socket.Write(Reset(1, one.code)));
    test.Wait(kSecond / 4);
    ASSERT_TRUE(test.Only().rpc.has_value());
    EXPECT_EQ(test.Only().rpc->status, one.status);
    EXPECT_TRUE(test.Only().rpc->status_inferred);
  }
}

TEST(Http2ConnectionTest, AConnectionThatIsGoneIsUnavailable) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/a/B") + Data(1, Grpc("x"), true)));
  test.Send(test.socket.Write(GrpcOk(1) + Data(1, Grpc("y"))));
  test.Send(test.socket.Read(Get(3, "/x")));
  test.Send(test.socket.Close());
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const Exchange& exchange = observed.exchange;
    EXPECT_EQ(exchange.reset, protocol::Reset::kNone);
    if (exchange.stream_id == 1) {
      EXPECT_EQ(exchange.outcome, Outcome::kResponseAborted);
      EXPECT_EQ(exchange.rpc->status, 14);
      EXPECT_TRUE(exchange.rpc->status_inferred);
      EXPECT_EQ(exchange.rpc->response_messages, 1u);
    } else {
      EXPECT_EQ(exchange.outcome, Outcome::kNoResponse);
    }
  }
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, ReadsTrailersOnly) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/a/B") + Data(1, "", true)));
  test.Send(test.socket.Write(Headers(1,
                                      {{":status", "200"},
                                       {"content-type", "application/grpc"},
                                       {"grpc-status", "12"},
                                       {"grpc-message", "no%21"}},
                                      true)));
  EXPECT_EQ(test.Only().rpc->status, 12);
  EXPECT_EQ(test.Only().rpc->message, "no!");
  EXPECT_FALSE(test.Only().rpc->status_inferred);
}

TEST(Http2ConnectionTest, AProxysAnswerToACallHasTheStatusOfItsCode) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/a/B") + Data(1, "", true)));
  test.Send(test.socket.Write(Headers(1, {{":status", "503"}, {"content-type", "text/html"}}) +
                              Data(1, "<html>", true)));
  EXPECT_EQ(test.Only().protocol, Protocol::kGrpc);
  EXPECT_EQ(test.Only().status, 503);
  EXPECT_EQ(test.Only().rpc->status, 14);
  EXPECT_TRUE(test.Only().rpc->status_inferred);
}

TEST(Http2ConnectionTest, ATunnelEndsWithItsResponsesHead) {
  for (const bool answer_first : {false, true}) {
    Server test;
    const auto request = test.socket.Read(
        Headers(1, {{":method", "CONNECT"}, {":protocol", "websocket"}, {":path", "/chat"}}));
    const auto answer = test.socket.Write(Headers(1, {{":status", "200"}}));
    test.Send(answer_first ? answer : request);
    test.Send(answer_first ? request : answer);
    EXPECT_EQ(test.Only().outcome, Outcome::kUpgraded);
    EXPECT_EQ(test.Only().upgrade, "websocket");
    test.Send(test.socket.Write(Data(1, "frames", true)));
    test.Send(test.socket.Read(Data(1, "frames", true) + Get(3, "/x")));
    test.Send(test.socket.Write(Ok(3, true)));
    EXPECT_EQ(test.recorder.exchanges.size(), 2u);
    test.ExpectClosedLedger();
  }
}

TEST(Http2ConnectionTest, AnUpgradedRequestIsOneExchange) {
  const std::string upgrade =
      "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n";
  const std::string accept =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  for (const std::size_t piece : {1u, 5u, 64u, 4096u}) {
    for (const bool client_first : {true, false}) {
      SCOPED_TRACE(piece);
      TableUnderTest test;
      SocketScript socket;
      test.Send(socket.Open());
      const auto requests = socket.Pieces(kRead, upgrade + Hello() + Get(3, "/y"), piece);
      const auto answers = socket.Pieces(
          kWrite, accept + Settings() + Ok(1) + Data(1, "hello", true) + Ok(3, true), piece);
      test.Send(client_first ? requests : answers);
      test.Send(client_first ? answers : requests);
      ASSERT_EQ(test.recorder.exchanges.size(), 2u);
      const Exchange& first = test.recorder.exchanges[0].exchange;
      EXPECT_EQ(first.target, "/x");
      EXPECT_EQ(first.protocol, Protocol::kHttp2);
      EXPECT_EQ(first.version_major, 2);
      EXPECT_EQ(first.status, 200);
      EXPECT_EQ(first.stream_id, 0u);
      EXPECT_EQ(first.request_offset, 0u);
      EXPECT_EQ(first.response_body_bytes, 5u);
      EXPECT_EQ(first.outcome, Outcome::kComplete);
      EXPECT_EQ(test.recorder.exchanges[1].exchange.target, "/y");
      EXPECT_EQ(test.Count("wirespan_messages_total", {"response"}, "kind"), 2u);
      test.ExpectClosedLedger();
    }
  }
}

TEST(Http2ConnectionTest, FollowsAThousandStreamsAtOnce) {
  Server test;
  for (std::uint32_t i = 0; i < 1000; ++i)
    test.Send(test.socket.Read(Call(2 * i + 1, "/s/" + std::to_string(i))));
  EXPECT_EQ(test.table.open_streams(), 1000u);
  EXPECT_EQ(test.registry.Value("wirespan_streams_open"), 0);  // not published yet
  test.table.Publish();
  EXPECT_EQ(test.registry.Value("wirespan_streams_open"), 1000);
  const Coverage coverage = test.table.CoverageOf().at(0);
  EXPECT_EQ(coverage.open_streams, 1000u);
  EXPECT_LT(coverage.oldest_stream_ns, test.socket.now_ns() - 900'000);
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint32_t i = 1000; i-- > 0;) {
      test.Send(test.socket.Read(Data(2 * i + 1, Grpc("ab"), round == 1)));
      test.Send(test.socket.Write(round == 0 ? GrpcOk(2 * i + 1) + Data(2 * i + 1, Grpc("abc"))
                                             : Trailers(2 * i + 1, std::to_string(i % 17))));
    }
  }
  ASSERT_EQ(test.recorder.exchanges.size(), 1000u);
  for (const ObservedExchange& observed : test.recorder.exchanges) {
    const Exchange& exchange = observed.exchange;
    const std::uint32_t i = exchange.stream_id / 2;
    EXPECT_EQ(exchange.target, "/s/" + std::to_string(i));
    EXPECT_EQ(exchange.rpc->status, static_cast<int>(i % 17));
    EXPECT_EQ(exchange.rpc->request_messages, 2u);
    EXPECT_EQ(exchange.rpc->response_messages, 1u);
    EXPECT_EQ(exchange.overlapped, i != 0);
  }
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, CountsStreamsBeyondTheBound) {
  TableOptions options;
  options.max_streams = 100;
  Server test(options);
  for (std::uint32_t i = 0; i < 300; ++i) {
    test.Send(test.socket.Read(Get(2 * i + 1, "/half/open", false)));
    EXPECT_LE(test.table.open_streams(), 100u);
  }
  EXPECT_EQ(test.Dropped("pipeline_full"), 200u);
  for (std::uint32_t i = 0; i < 300; ++i) test.Send(test.socket.Write(Ok(2 * i + 1, true)));
  EXPECT_EQ(test.Count("wirespan_responses_dropped_total", {"stream_ended"}, "reason"), 200u);
  test.Wait(2 * kSecond);
  EXPECT_EQ(test.recorder.exchanges.size(), 100u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, AHeaderListWithoutEndStaysWithinTheBound) {
  TableOptions options;
  options.max_http2_head_bytes = 4096;
  Server test(options);
  test.Send(test.socket.Read(Frame(http2::FrameType::kHeaders, http2::kEndStream, 1,
                                   Block({{":method", "GET"}, {":path", "/flood"}}))));
  for (int i = 0; i < 1000; ++i) {
    test.Send(test.socket.Read(Frame(http2::FrameType::kContinuation, 0, 1,
                                     Block({{"tracestate", std::string(500, 'x')}}))));
  }
  test.Send(test.socket.Read(
      Frame(http2::FrameType::kContinuation, http2::kEndHeaders, 1, Block({{"user-agent", "u"}}))));
  test.Send(test.socket.Write(Ok(1, true)));
  EXPECT_EQ(test.Only().target, "/flood");
  EXPECT_LE(test.Only().tracestate.size(), 4096u);
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteRequestHead);
  test.ExpectClosedLedger();
  EXPECT_EQ(test.registry.Value("wirespan_http2_header_lists_cut_total"), 1);
}

// RFC 9113, 10.5: one entry, told thousands of times.
TEST(Http2ConnectionTest, AListThatGrowsByItsTableStaysWithinTheBound) {
  Server test;
  // "tracestate" with 3,000 octets, added to the table.
  const std::string entry =
      "\x40\x0atracestate\x7f\xb9\x16" + std::string(1000, 'a') + std::string(2000, 'b');
  test.Send(
      test.socket.Read(Frame(http2::FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream, 1,
                             Block({{":method", "GET"}, {":scheme", "http"}, {":path", "/bomb"}}) +
                                 entry + std::string(16'000, '\xbe'))));  // 48 MB
  test.Send(test.socket.Write(Ok(1, true)));
  EXPECT_EQ(test.Only().target, "/bomb");
  EXPECT_LE(test.Only().tracestate.size(), 64u << 10);
  EXPECT_GE(test.Only().tracestate.size(), 3000u);
  EXPECT_EQ(test.Only().incomplete, protocol::kIncompleteRequestHead);
  test.ExpectClosedLedger();
  EXPECT_EQ(test.registry.Value("wirespan_http2_header_lists_cut_total"), 1);
}

TEST(Http2ConnectionTest, WindowsAndTablesOfAnySizeChangeNothing) {
  Server test;
  const auto setting = [](std::uint16_t name, std::uint32_t value) {
    return Frame(http2::FrameType::kSettings, 0, 0, Number(name, 2) + Number(value, 4));
  };
  const auto window = [](std::uint32_t stream, std::uint32_t by) {
    return Frame(http2::FrameType::kWindowUpdate, 0, stream, Number(by, 4));
  };
  test.Send(test.socket.Read(Get(1, "/x", false)));
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t by = i % 2 == 0 ? 0x7fffffffu : 0u;
    test.Send(test.socket.Read(window(0, by) + window(1, by) + window(0xffffffff, by)));
    test.Send(test.socket.Read(setting(4, 0xffffffff) + setting(1, 0xffffffff)));
    test.Send(test.socket.Write(window(0, by) + setting(1, i % 3 == 0 ? 0u : 0xffffffffu)));
  }
  EXPECT_EQ(test.table.open_streams(), 1u);
  EXPECT_EQ(test.table.held_events(), 0u);
  test.Send(test.socket.Read(Data(1, "hello", true)));
  test.Send(test.socket.Write(Ok(1) + Data(1, "hi", true)));
  EXPECT_EQ(test.Only().status, 200);
  EXPECT_EQ(test.Only().incomplete, 0);
  EXPECT_EQ(test.Only().request_body_bytes, 5u);
  EXPECT_EQ(test.Only().response_body_bytes, 2u);
  test.ExpectClosedLedger();
}

// A header that stands for an entry of a table that was not seen.
const std::string kHole = "\xbe";

// One POST whose content types are holes; `last` is what ends the answer.
protocol::Exchange Unnamed(const std::string& request, const std::string& response,
                           const std::string& last, const std::string& type = kHole) {
  Server test;
  test.Send(test.socket.Read(
      Frame(http2::FrameType::kHeaders, http2::kEndHeaders, 1,
            Block({{":method", "POST"}, {":scheme", "http"}, {":path", "/s/m"}}) + kHole) +
      Data(1, request, true)));
  test.Send(test.socket.Write(
      Frame(http2::FrameType::kHeaders, http2::kEndHeaders, 1, Block({{":status", "200"}}) + type) +
      Data(1, response) + last));
  test.ExpectClosedLedger();
  return test.Only();
}

TEST(Http2ConnectionTest, ACallWithoutAContentTypeIsKnownByItsMessagesAndTrailers) {
  const std::string trailers =
      Frame(http2::FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream, 1, kHole);
  const Exchange call = Unnamed(Grpc("one") + Grpc("two"), Grpc(std::string(300, 'x')), trailers);
  EXPECT_EQ(call.protocol, Protocol::kGrpc);
  ASSERT_TRUE(call.rpc.has_value());
  EXPECT_TRUE(call.rpc->protocol_inferred);
  EXPECT_FALSE(call.rpc->status.has_value());
  EXPECT_EQ(call.rpc->request_messages, 2u);
  EXPECT_EQ(call.rpc->response_bytes, 300u);
  EXPECT_TRUE(call.incomplete & protocol::kIncompleteHpack);

  const Exchange read = Unnamed(Grpc("one"), Grpc("two"), Trailers(1, "5"));
  EXPECT_EQ(read.rpc->status, 5);
  EXPECT_FALSE(read.rpc->protocol_inferred);

  const auto is_http = [](const Exchange& exchange) {
    EXPECT_EQ(exchange.protocol, Protocol::kHttp2);
    EXPECT_FALSE(exchange.rpc.has_value());
  };
  is_http(Unnamed("one", Grpc("two"), trailers));
  is_http(Unnamed(Grpc("one"), "two, as text", trailers));
  is_http(Unnamed(Grpc("one"), Grpc("two") + "x", trailers));
  is_http(Unnamed(Grpc("one"), Grpc("two") + "\x80" + Grpc("grpc-status:0").substr(1), trailers));
  is_http(Unnamed(Grpc("one"), Grpc("two"), Data(1, "", true)));
  is_http(Unnamed(Grpc("one"), Grpc("two"), trailers, Block({{"content-type", "text/plain"}})));
}

TEST(Http2ConnectionTest, PromisedStreamsAreNotFollowed) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/x")));
  test.Send(test.socket.Write(Frame(http2::FrameType::kPushPromise, http2::kEndHeaders, 1,
                                    Number(2, 4) + Block({{":method", "GET"}, {":path", "/p"}})) +
                              Ok(2) + Data(2, "pushed", true) + Ok(1, true)));
  EXPECT_EQ(test.Only().target, "/x");
  test.table.Publish();
  EXPECT_EQ(test.registry.Value("wirespan_http2_pushes_total"), 1);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, AFalseGuessIsUndone) {
  TableUnderTest test;
  SocketScript::Options options;
  options.joined_late = true;
  SocketScript socket(options);
  test.Send(socket.Open());
  // Looks like two PINGs, and is something else.
  const std::string ping = Frame(http2::FrameType::kPing, 0, 0, "01234567");
  test.Send(socket.Read(ping + ping));
  for (int i = 0; i < 100; ++i) test.Send(socket.Read(std::string(8192, '\xee')));
  test.table.Publish();
  EXPECT_EQ(test.registry.Value("wirespan_protocol_guesses_wrong_total"), 1);
  // What it is, is told then.
  socket.Advance(2 * kSecond);
  test.table.Tick(socket.now_ns());
  test.Send(socket.Read("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
  test.Send(socket.Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(test.Only().protocol, Protocol::kHttp1);
  EXPECT_EQ(test.Only().target, "/x");
  EXPECT_EQ(test.Only().status, 200);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, AnUnknownPathSaysSoAndANewOneIsRightAtOnce) {
  TableUnderTest test;
  SocketScript::Options options;
  options.joined_late = true;
  SocketScript socket(options);
  test.Send(socket.Open());
  const auto ask = [&](std::uint32_t stream, const std::string& path) {
    // :method GET and :scheme http of the static table.
    test.Send(socket.Read(Frame(http2::FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream,
                                stream, "\x82\x86" + path)));
    test.Send(socket.Write(Ok(stream) + Data(stream, "x", true)));
  };
  ask(11, "\xbe");          // the newest entry of a table that nobody saw
  ask(13, "\x44\x04/new");  // added to it
  ask(15, "\xbe");
  ask(17, "\xbf");
  ASSERT_EQ(test.recorder.exchanges.size(), 4u);
  const char* const kPaths[] = {"", "/new", "/new", ""};
  for (std::size_t i = 0; i < 4; ++i) {
    const Exchange& exchange = test.recorder.exchanges[i].exchange;
    EXPECT_EQ(exchange.method, "GET");
    EXPECT_EQ(exchange.target, kPaths[i]);
    EXPECT_EQ(exchange.incomplete, *kPaths[i] == 0 ? protocol::kIncompleteHpack : 0);
    EXPECT_EQ(exchange.status, 200);
  }
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, FindsOutWhoTheClientIs) {
  for (const bool client : {false, true}) {
    for (const Opener opener : {Opener::kUnknown, Opener::kLocal, Opener::kRemote}) {
      TableUnderTest test;
      SocketScript::Options options;
      options.joined_late = true;
      options.opener = opener;
      SocketScript socket(options);
      test.Send(socket.Open());
      const auto send = [&](bool request, const std::string& bytes) {
        test.Send(request == client ? socket.Write(bytes) : socket.Read(bytes));
      };
      send(false, Data(7, "of an older stream") + Trailers(7, "0"));
      send(true, Call(9, "/a/B") + Data(9, Grpc("x"), true));
      send(false, GrpcOk(9) + Data(9, Grpc("y")) + Trailers(9, "0"));
      EXPECT_EQ(test.Only().side, client ? Side::kClient : Side::kServer);
      EXPECT_EQ(test.Only().rpc->status, 0);
      test.ExpectClosedLedger();
    }
  }
}

TEST(Http2ConnectionTest, ALostAnswerIsCountedAndTheNextIsRight) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/1") + Get(3, "/3")));
  test.socket.Lose(kWrite, Ok(1, true).size());
  test.Send(test.socket.Write(Ok(3) + Data(3, "x", true)));
  test.Wait(kSecond / 4);
  test.Send(test.socket.Read(Get(5, "/5")));
  test.Send(test.socket.Write(Ok(5, true)));
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  test.Wait(61 * kSecond);
  EXPECT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.Dropped("response_lost"), 1u);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, AnAnswerWhoseHeadWasLostIsToldWithoutItsStatus) {
  Server test;
  test.Send(
      test.socket.Read(Get(1, "/1") + Call(3, "/s/m") + Data(3, Grpc("hi"), true) + Get(5, "/5")));
  test.socket.Lose(kWrite, Ok(1).size() + GrpcOk(3).size());
  test.Send(test.socket.Write(Data(1, "x", true) + Data(3, Grpc("yes")) + Trailers(3, "5")));
  test.Wait(kSecond / 4);
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  for (const ObservedExchange& one : test.recorder.exchanges) {
    EXPECT_EQ(one.exchange.outcome, Outcome::kComplete);
    EXPECT_EQ(one.exchange.status, 0);
    EXPECT_TRUE(one.exchange.incomplete & protocol::kIncompleteResponseHead);
    EXPECT_FALSE(one.exchange.response_body_bytes.has_value());
  }
  EXPECT_EQ(test.recorder.exchanges[0].exchange.target, "/1");
  EXPECT_EQ(test.recorder.exchanges[1].exchange.rpc->status, 5);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, HolesDoNotWaitForOneAnother) {
  Server test;
  constexpr int kStreams = 40;
  const std::string ping = Frame(http2::FrameType::kPing, 0, 0, "01234567");
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    test.Send(test.socket.Read(Get(4 * i + 1, "/seen") + ping));
    test.socket.Lose(kRead, Get(4 * i + 3, "/lost").size());
    test.Send(test.socket.Write(Ok(4 * i + 1, true)));
  }
  test.Wait(kSecond / 10);
  test.Wait(kSecond / 10);
  // Of the requests that were lost the last one is not known to be missing.
  EXPECT_EQ(test.recorder.exchanges.size(), std::size_t{kStreams});
  test.table.Publish();
  EXPECT_EQ(test.registry.Value("wirespan_http2_streams_unseen_total"), kStreams - 1);
  test.ExpectClosedLedger();
}

TEST(Http2ConnectionTest, ALostRequestIsCountedByTheNumbersThatFollow) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/1")));
  test.Send(test.socket.Write(Ok(1, true)));
  test.socket.Lose(kRead, Get(3, "/3").size() + Get(5, "/5").size());
  test.Send(test.socket.Write(Ok(3, true)));
  test.Send(test.socket.Read(Get(7, "/7") + Frame(http2::FrameType::kPing, 0, 0, "01234567")));
  test.Send(test.socket.Write(Ok(7, true)));
  test.Wait(kSecond / 4);
  test.Wait(2 * kSecond);
  EXPECT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.Count("wirespan_responses_dropped_total", {"no_request"}, "reason"), 1u);
  EXPECT_EQ(test.registry.Value("wirespan_http2_streams_unseen_total"), 2);
  test.ExpectClosedLedger();
}

}  // namespace
}  // namespace wirespan::connection
