// What a peer may try to make us hold.
#include "tests/unit/agent/connection/http2_server.h"

namespace wirespan::connection {
namespace {

using namespace script;
using protocol::Exchange;

TEST(Http2BoundsTest, FollowsAThousandStreamsAtOnce) {
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

TEST(Http2BoundsTest, CountsStreamsBeyondTheBound) {
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

TEST(Http2BoundsTest, AHeaderListWithoutEndStaysWithinTheBound) {
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
TEST(Http2BoundsTest, AListThatGrowsByItsTableStaysWithinTheBound) {
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

TEST(Http2BoundsTest, WindowsAndTablesOfAnySizeChangeNothing) {
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

}  // namespace
}  // namespace wirespan::connection
