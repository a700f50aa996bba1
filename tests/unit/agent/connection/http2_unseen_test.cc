// What was before our time, or lost: it is unknown and counted, never guessed.
#include "tests/unit/agent/connection/http2_server.h"

namespace wirespan::connection {
namespace {

using namespace script;
using protocol::Exchange;
using protocol::Outcome;
using protocol::Protocol;
using protocol::Side;
using wirespan::testing::SocketScript;

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

TEST(Http2UnseenTest, ACallWithoutAContentTypeIsKnownByItsMessagesAndTrailers) {
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

TEST(Http2UnseenTest, AFalseGuessIsUndone) {
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

TEST(Http2UnseenTest, AnUnknownPathSaysSoAndANewOneIsRightAtOnce) {
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

TEST(Http2UnseenTest, FindsOutWhoTheClientIs) {
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

TEST(Http2UnseenTest, ALostAnswerIsCountedAndTheNextIsRight) {
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

TEST(Http2UnseenTest, AnAnswerWhoseHeadWasLostIsToldWithoutItsStatus) {
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

TEST(Http2UnseenTest, HolesDoNotWaitForOneAnother) {
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

TEST(Http2UnseenTest, ALostRequestIsCountedByTheNumbersThatFollow) {
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
