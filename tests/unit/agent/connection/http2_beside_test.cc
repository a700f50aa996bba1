// What passes beside heads and data, ends that close one half, and streams that last for hours.
#include "tests/unit/agent/connection/http2_server.h"

namespace wirespan::connection {
namespace {

using namespace script;
using http2::FrameType;
using protocol::Exchange;
using protocol::Outcome;
using wirespan::testing::SocketScript;

constexpr std::uint64_t kHour = 3600 * kSecond;

// Frames that neither open a stream nor say anything of one: also of a number that was never used.
std::string Asides(std::uint32_t stream) {
  const std::string priority = Number(0x80000000u, 4) + '\x10';  // of nothing, exclusive
  return Frame(FrameType::kPriority, 0, stream, priority) +
         Frame(FrameType::kPriority, 0, 99, priority) +
         Frame(static_cast<FrameType>(0xfa), 0xff, stream, "of an extension") +
         Frame(static_cast<FrameType>(0x0b), 0, 0, "") + Frame(FrameType::kPing, 0, 0, "01234567") +
         Frame(FrameType::kPing, http2::kAck, 0, "01234567") +
         Frame(FrameType::kSettings, http2::kAck, 0, "") +
         Frame(FrameType::kWindowUpdate, 0, 0, Number(100, 4)) +
         Frame(FrameType::kWindowUpdate, 0, stream, Number(100, 4));
}

TEST(Http2BesideTest, OtherFramesBetweenThoseOfAStreamChangeNothing) {
  const std::string requests = Hello() + Asides(1) + Get(1, "/x", false) + Asides(1) +
                               Data(1, "abc") + Asides(1) + Data(1, "de", true) + Asides(1);
  const std::string answers = Settings() + Asides(1) + Ok(1) + Asides(1) + Data(1, "hello") +
                              Asides(1) + Headers(1, {{"x-sum", "1"}}, true) + Asides(1);
  for (const std::size_t piece : {1u, 7u, 64u, 4096u}) {
    SCOPED_TRACE(piece);
    TableUnderTest test;
    SocketScript socket;
    test.Send(socket.Open());
    test.Send(socket.Pieces(kRead, requests, piece));
    test.Send(socket.Pieces(Direction::kWrite, answers, piece));
    EXPECT_EQ(test.Only().target, "/x");
    EXPECT_EQ(test.Only().status, 200);
    EXPECT_EQ(test.Only().request_body_bytes, 5u);
    EXPECT_EQ(test.Only().response_body_bytes, 5u);
    EXPECT_EQ(test.Only().incomplete, 0);
    EXPECT_EQ(test.table.open_streams(), 0u);
    test.ExpectClosedLedger();
    EXPECT_EQ(test.registry.Value("wirespan_exchanges_opened_total"), 1);
  }
}

// RFC 9113, 6.1: the length of the padding, what is meant, the padding.
std::string Padded(FrameType type, std::uint8_t flags, std::uint32_t stream,
                   std::string_view fields, std::string_view contents, std::uint8_t padding) {
  return Frame(type, flags | http2::kPadded, stream,
               std::string(1, static_cast<char>(padding)) + std::string(fields) +
                   std::string(contents) + std::string(padding, '\0'));
}

TEST(Http2BesideTest, PaddingIsNoPartOfHeadsBodiesOrMessages) {
  Server test;
  const std::string priority = Number(0, 4) + '\xff';
  const std::string block = Block({{":method", "POST"},
                                   {":scheme", "http"},
                                   {":path", "/a/B"},
                                   {"content-type", "application/grpc"}});
  const std::string message = Grpc(std::string(300, 'm'));
  test.Send(test.socket.Read(Padded(FrameType::kHeaders, http2::kEndHeaders | http2::kPriorityFlag,
                                    1, priority, block, 255) +
                             Padded(FrameType::kData, 0, 1, "", message.substr(0, 3), 1) +
                             Padded(FrameType::kData, 0, 1, "", "", 200) +  // nothing else
                             Padded(FrameType::kData, 0, 1, "", message.substr(3), 0) +
                             Padded(FrameType::kData, http2::kEndStream, 1, "", "", 255)));
  test.Send(test.socket.Write(GrpcOk(1) +
                              Padded(FrameType::kData, 0, 1, "", Grpc("yes") + Grpc("no"), 17) +
                              Padded(FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream, 1,
                                     "", Block({{"grpc-status", "5"}}), 3)));
  const Exchange& call = test.Only();
  EXPECT_EQ(call.target, "/a/B");
  EXPECT_EQ(call.request_body_bytes, 305u);
  EXPECT_EQ(call.response_body_bytes, 15u);
  ASSERT_TRUE(call.rpc.has_value());
  EXPECT_EQ(call.rpc->status, 5);
  EXPECT_EQ(call.rpc->request_messages, 1u);
  EXPECT_EQ(call.rpc->request_bytes, 300u);
  EXPECT_EQ(call.rpc->response_messages, 2u);
  EXPECT_EQ(call.rpc->response_bytes, 5u);
  EXPECT_TRUE(call.rpc->request_exact && call.rpc->response_exact);
  EXPECT_EQ(call.incomplete, 0);
  test.ExpectClosedLedger();
}

TEST(Http2BesideTest, AClientThatShutItsHalfIsStillAnswered) {
  Server test;
  test.Send(test.socket.Read(Get(1, "/whole") + Get(3, "/never/finished", false) + Data(3, "abc")));
  test.Send(test.socket.End(kRead));
  EXPECT_EQ(test.recorder.exchanges.size(), 0u);
  test.Send(test.socket.Write(Ok(1) + Data(1, "one")));
  test.Send(test.socket.Write(Ok(3, true) + Data(1, "two", true)));
  test.Send(test.socket.Close());
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  const Exchange& unfinished = test.recorder.exchanges[0].exchange;
  const Exchange& whole = test.recorder.exchanges[1].exchange;
  EXPECT_EQ(whole.target, "/whole");
  EXPECT_EQ(whole.response_body_bytes, 6u);
  EXPECT_EQ(unfinished.target, "/never/finished");
  EXPECT_EQ(unfinished.request_body_bytes, 3u);
  for (const Exchange* one : {&whole, &unfinished}) {
    EXPECT_EQ(one->outcome, Outcome::kComplete);
    EXPECT_EQ(one->status, 200);
  }
  test.ExpectClosedLedger();
}

// Of each stream one half may be over while the other goes on, in either order.
TEST(Http2BesideTest, EachHalfOfAStreamEndsForItself) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/s/Down") + Data(1, Grpc("ask"), true) + Call(3, "/s/Up")));
  test.Send(test.socket.Write(GrpcOk(1) + GrpcOk(3)));
  for (int i = 0; i < 50; ++i) {
    test.socket.Advance(kSecond);
    test.Send(test.socket.Write(Data(1, Grpc("down"))));
    test.Send(test.socket.Read(Data(3, Grpc("up"))));
    test.table.Tick(test.socket.now_ns());
  }
  EXPECT_EQ(test.table.open_streams(), 2u);
  test.Send(test.socket.Write(Trailers(1, "0")));
  const std::uint64_t end_ns = test.socket.now_ns();
  EXPECT_EQ(test.Only().target, "/s/Down");
  EXPECT_EQ(test.Only().rpc->response_messages, 50u);
  EXPECT_EQ(test.Only().response_end_ns, end_ns);
  test.Send(test.socket.Read(Data(3, "", true)));
  EXPECT_EQ(test.recorder.exchanges.size(), 1u);
  test.Send(test.socket.Write(Data(3, Grpc("sum")) + Trailers(3, "0")));
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.recorder.exchanges[1].exchange.rpc->request_messages, 50u);
  EXPECT_EQ(test.recorder.exchanges[1].exchange.rpc->response_messages, 1u);
  test.ExpectClosedLedger();
}

TEST(Http2BesideTest, AContextIsReadOutOfTheTableToo) {
  const std::string context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string pseudo = Block({{":method", "GET"}, {":scheme", "http"}, {":path", "/x"}});
  const auto ask = [&](std::uint32_t stream, const std::string& field) {
    return Frame(FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream, stream,
                 pseudo + field);
  };
  // Added to the table, named by its entry, written out, and twice with different words.
  const std::string added = "\x40\x0btraceparent" + std::string(1, '\x37') + context;
  std::string other = context;
  other[other.size() - 4] = '8';
  Server test;
  test.Send(test.socket.Read(
      ask(1, added) + ask(3, "\xbe") + ask(5, Block({{"traceparent", context}})) +
      ask(7, Block({{"traceparent", context}, {"traceparent", other}})) + ask(9, "")));
  for (std::uint32_t stream = 1; stream <= 9; stream += 2)
    test.Send(test.socket.Write(Ok(stream, true)));
  ASSERT_EQ(test.recorder.exchanges.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(test.recorder.exchanges[i].exchange.traceparent, i < 3 ? context : "") << i;
  }
}

// A subscription: a message each second for hours, then silence for hours, then its end.
TEST(Http2BesideTest, AStreamOfHoursHoldsNothingAndEndsWhenItEnds) {
  Server test;
  test.Send(test.socket.Read(Call(1, "/news.Feed/Watch") + Data(1, Grpc("all"), true)));
  const std::uint64_t begin_ns = test.socket.now_ns();
  test.Send(test.socket.Write(GrpcOk(1)));
  constexpr std::uint64_t kMessages = 3 * 3600;
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    test.socket.Advance(kSecond);
    test.Send(test.socket.Write(Data(1, Grpc("news"))));
    test.table.Tick(test.socket.now_ns());
    ASSERT_EQ(test.table.held_events(), 0u);
    ASSERT_EQ(test.table.held_bytes(), 0u);
  }
  for (int minute = 0; minute < 6 * 60; ++minute) {
    test.socket.Advance(60 * kSecond);
    test.table.Tick(test.socket.now_ns());
  }
  EXPECT_EQ(test.registry.Value("wirespan_streams_open"), 1);
  const Coverage coverage = test.table.CoverageOf().at(0);
  EXPECT_EQ(coverage.open_streams, 1u);
  EXPECT_EQ(coverage.oldest_stream_ns, begin_ns);
  EXPECT_EQ(test.AllDropped(), 0u);

  test.Send(test.socket.Write(Data(1, Grpc("bye")) + Trailers(1, "0")));
  const Exchange& call = test.Only();
  EXPECT_EQ(call.target, "/news.Feed/Watch");
  EXPECT_EQ(call.rpc->status, 0);
  EXPECT_EQ(call.rpc->response_messages, kMessages + 1);
  EXPECT_EQ(call.rpc->response_bytes, 4 * kMessages + 3);
  EXPECT_TRUE(call.rpc->response_exact);
  EXPECT_EQ(call.incomplete, 0);
  EXPECT_GE(call.response_end_ns - call.request_start_ns, 9 * kHour);
  test.Count("wirespan_messages_total", {"response"}, "kind");
  EXPECT_EQ(test.registry.Value("wirespan_streams_open"), 0);
  test.ExpectClosedLedger();
}

// What the client wrote once, long ago, is still known.
TEST(Http2BesideTest, AChannelThatWasSilentForHoursKeepsItsHeaderTable) {
  Server test;
  const auto ask = [&](std::uint32_t stream, const std::string& path) {
    test.Send(test.socket.Read(Frame(FrameType::kHeaders, http2::kEndHeaders | http2::kEndStream,
                                     stream, "\x82\x86" + path)));
    test.Send(test.socket.Write(Ok(stream, true)));
  };
  ask(1, "\x44\x05/once");
  for (int minute = 0; minute < 12 * 60; ++minute) {
    test.socket.Advance(60 * kSecond);
    test.table.Tick(test.socket.now_ns());
  }
  ask(3, "\xbe");
  ASSERT_EQ(test.recorder.exchanges.size(), 2u);
  EXPECT_EQ(test.recorder.exchanges[1].exchange.target, "/once");
  EXPECT_EQ(test.recorder.exchanges[1].exchange.incomplete, 0);
  test.socket.Advance(30 * kHour);
  test.table.Tick(test.socket.now_ns());
  test.table.Publish();
  EXPECT_EQ(test.registry.Value("wirespan_connections"), 0) << "but not for ever";
  test.ExpectClosedLedger();
}

}  // namespace
}  // namespace wirespan::connection
