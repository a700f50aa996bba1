// HTTP/2 and gRPC by hand: each way a stream can go.
#include "agent/connection/http2_connection.h"

#include "tests/unit/agent/connection/http2_server.h"

namespace wirespan::connection {
namespace {

using namespace script;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;
using protocol::Side;
using wirespan::testing::SocketScript;

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

}  // namespace
}  // namespace wirespan::connection
