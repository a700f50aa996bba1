// How streams end: given up, refused, cut off, or by trailers; and the status that follows from it.
#include "tests/unit/agent/connection/http2_server.h"

namespace wirespan::connection {
namespace {

using namespace script;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;

TEST(Http2EndingTest, TellsHowAStreamWasGivenUp) {
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

TEST(Http2EndingTest, AResetThatCameAfterTheAnswerChangesNothing) {
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

TEST(Http2EndingTest, AnAnswerWrittenAfterTheResetCountsNotAnyMore) {
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

TEST(Http2EndingTest, StreamsAboveTheGoawayWereNotProcessed) {
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

TEST(Http2EndingTest, ConcludesAStatusThatWasNotSaid) {
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

TEST(Http2EndingTest, AConnectionThatIsGoneIsUnavailable) {
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

TEST(Http2EndingTest, ReadsTrailersOnly) {
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

TEST(Http2EndingTest, AProxysAnswerToACallHasTheStatusOfItsCode) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/a/B") + Data(1, "", true)));
  test.Send(test.socket.Write(Headers(1, {{":status", "503"}, {"content-type", "text/html"}}) +
                              Data(1, "<html>", true)));
  EXPECT_EQ(test.Only().protocol, Protocol::kGrpc);
  EXPECT_EQ(test.Only().status, 503);
  EXPECT_EQ(test.Only().rpc->status, 14);
  EXPECT_TRUE(test.Only().rpc->status_inferred);
}

}  // namespace
}  // namespace wirespan::connection
