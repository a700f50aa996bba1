// Which bytes of HTTP/2 calls are copied, and that every byte is told of once.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/bpf/infer/http2_checks.h"

namespace wirespan {
namespace {

using frame_test::ClientWalker;
using frame_test::FrameStream;
using frame_test::Message;
using frame_test::Told;
using frame_test::Walker;
using Frame = FrameStream::Frame;

FrameStream UnaryCalls(int calls, std::size_t message) {
  FrameStream stream;
  stream.Preface().Settings().WindowUpdate(0).Ack();
  for (int i = 0; i < calls; ++i) {
    const auto id = static_cast<std::uint32_t>(2 * i + 1);
    stream.Headers(id).Data(id, Message(message), true);
    if (i % 5 == 4) stream.WindowUpdate(0).WindowUpdate(id).Ping();
  }
  return stream;
}

TEST(BpfHttp2Test, AUnaryCallIsOneRecord) {
  FrameStream stream;
  stream.Preface().Settings();
  Walker walker = ClientWalker();
  walker.Call(stream.bytes());
  const std::size_t before = stream.bytes().size();
  stream.Headers(1, 90).Data(1, Message(100), true);
  walker.Call(std::string_view(stream.bytes()).substr(before));
  ASSERT_EQ(walker.told().size(), 2u);
  EXPECT_TRUE(walker.told()[0].frame_start);
  EXPECT_TRUE(walker.told()[1].frame_start);
  EXPECT_EQ(walker.told()[1].captured, stream.bytes().substr(before));
}

TEST(BpfHttp2Test, IsToldAlikeAtEveryCut) {
  const FrameStream stream = UnaryCalls(3, 300);
  for (std::size_t cut = 1; cut < stream.bytes().size(); ++cut) {
    SCOPED_TRACE(cut);
    Walker walker = ClientWalker();
    walker.Call(std::string_view(stream.bytes()).substr(0, cut));
    walker.Call(std::string_view(stream.bytes()).substr(cut));
    ExpectTrue(stream, walker, stream.bytes().size());
    ExpectFramesKnown(stream, walker);
    EXPECT_EQ(walker.lost(), 0);
    for (auto& [id, counter] : CountMessages(stream, walker)) {
      EXPECT_TRUE(counter.exact()) << id;
      EXPECT_EQ(counter.messages(), 1u) << id;
      EXPECT_EQ(counter.bytes(), 300u) << id;
    }
  }
}

TEST(BpfHttp2Test, IsToldAlikeInPiecesOfEverySize) {
  FrameStream stream = UnaryCalls(4, 700);
  stream.Headers(21).Body(21, Message(9000) + Message(3) + Message(0) + Message(5000), 4096);
  stream.Headers(21, 30, true).Reset(19).Add(7, 0, 0, std::string(20, 'g'));
  for (std::size_t size = 1; size < 1500; size = size < 40 ? size + 1 : size * 5 / 4) {
    SCOPED_TRACE(size);
    Walker walker = ClientWalker();
    for (std::size_t at = 0; at < stream.bytes().size(); at += size)
      walker.Call(std::string_view(stream.bytes()).substr(at, size));
    ExpectTrue(stream, walker, stream.bytes().size());
    ExpectFramesKnown(stream, walker);
    EXPECT_EQ(walker.lost(), 0);
    auto counters = CountMessages(stream, walker);
    EXPECT_TRUE(counters[21].exact());
    EXPECT_EQ(counters[21].messages(), 4u);
    EXPECT_EQ(counters[21].bytes(), 14003u);
  }
}

// As Go, Netty and nghttp2 read: the header alone, then the payload, perhaps in parts.
TEST(BpfHttp2Test, HeadersAndPayloadMayBeReadApart) {
  FrameStream stream;
  stream.Settings().Headers(1, 60).Body(1, Message(100'000)).Headers(1, 20, true).Ping();
  for (const std::size_t most : {std::size_t{100}, std::size_t{5000}, std::size_t{20000}}) {
    SCOPED_TRACE(most);
    Walker walker;
    for (const Frame& f : stream.frames()) {
      walker.Call(std::string_view(stream.bytes()).substr(f.offset, 9));
      for (std::size_t at = f.offset + 9; at < f.end(); at += most) {
        walker.Call(std::string_view(stream.bytes()).substr(at, std::min(most, f.end() - at)));
      }
    }
    ExpectTrue(stream, walker, stream.bytes().size());
    ExpectFramesKnown(stream, walker);
    EXPECT_EQ(walker.lost(), 0);
    EXPECT_LT(walker.told().size(), 20u);
  }
}

TEST(BpfHttp2Test, PaddingIsPassedOver) {
  FrameStream stream;
  stream.Settings().Headers(1);
  std::string padded(1, '\xff');
  padded += Message(2000) + std::string(255, '\0');
  for (int i = 0; i < 5; ++i) stream.Add(0, 8, 1, padded);
  stream.Headers(1, 20, true);
  for (const std::size_t call :
       {std::size_t{1}, std::size_t{7}, std::size_t{900}, std::size_t{50000}}) {
    Walker walker;
    for (std::size_t at = 0; at < stream.bytes().size(); at += call)
      walker.Call(std::string_view(stream.bytes()).substr(at, call));
    ExpectTrue(stream, walker, stream.bytes().size());
    ExpectFramesKnown(stream, walker);
    for (const Told& told : walker.told()) EXPECT_EQ(told.run_frames, 0u);
  }
}

TEST(BpfHttp2Test, AHeaderBlockIsCopiedToTheBoundAndNoFurther) {
  FrameStream stream;
  stream.Settings().Add(1, 0, 1, std::string(10000, 'h')).Add(9, 0, 1, std::string(10000, 'h'));
  stream.Add(9, 4, 1, std::string(10000, 'h')).Headers(3);
  for (const std::size_t call : {std::size_t{100}, std::size_t{16384}, std::size_t{50000}}) {
    SCOPED_TRACE(call);
    Walker walker;
    for (std::size_t at = 0; at < stream.bytes().size(); at += call)
      walker.Call(std::string_view(stream.bytes()).substr(at, call));
    ExpectTrue(stream, walker, stream.bytes().size());
    EXPECT_GE(walker.head_bound(), 1);
    const auto& f = stream.frames();
    EXPECT_EQ(CapturedIn(walker, f[1].offset, f[1].end()), 10009u);
    EXPECT_EQ(CapturedIn(walker, f[2].offset, f[2].end()), 6393u);
    EXPECT_EQ(CapturedIn(walker, f[3].offset, f[3].end()), 9u);
    EXPECT_EQ(CapturedIn(walker, f[4].offset, f[4].end()), 49u);
  }
}

// A header of a type that nobody defined would pass over up to 16 MiB of whatever this is.
TEST(BpfHttp2Test, WhereHttp2IsGuessedUndefinedFramesAreNone) {
  FrameStream stream;
  stream.Headers(1, 80).Add(0x42, 7, 9, std::string(5000, 'x')).Headers(3, 80);
  for (const bool guessed : {false, true}) {
    Walker walker(0, WS_H2_SCAN);
    walker.Guessed(guessed);
    for (const Frame& f : stream.frames())
      walker.Call(std::string_view(stream.bytes()).substr(f.offset, 9 + f.length));
    EXPECT_EQ(walker.lost(), guessed ? 1 : 0);
    EXPECT_EQ(walker.last().found, 1);  // the boundary is found again
  }
  FrameStream known;  // ALTSVC, ORIGIN, PRIORITY_UPDATE
  known.Headers(1, 80).Add(0xa, 0, 0, "xx").Add(0xc, 0, 0, "").Add(0x10, 0, 0, "aaaau=1");
  Walker walker(0, WS_H2_SCAN);
  walker.Guessed(true);
  walker.Call(known.bytes());
  EXPECT_EQ(walker.lost(), 0);
}

TEST(BpfHttp2Test, ACallWithoutABufferBeyondAFrameLosesTheBoundaryUntilACallBeginsWithOne) {
  FrameStream stream;
  stream.Settings()
      .Headers(1)
      .Body(1, std::string(40000, 'f'), 10000)
      .Ping()
      .Headers(3)
      .Data(3, "x", true);
  Walker walker;
  const auto& f = stream.frames();
  walker.Call(std::string_view(stream.bytes()).substr(0, f[2].offset + 9));
  walker.Pass(f[4].offset + 5000 - f[2].offset - 9);
  EXPECT_EQ(walker.lost(), 1);
  walker.Call(std::string_view(stream.bytes())
                  .substr(f[4].offset + 5000, f[6].offset - f[4].offset - 5000));
  walker.Call(std::string_view(stream.bytes()).substr(f[6].offset));
  ExpectTrue(stream, walker, stream.bytes().size());
  EXPECT_TRUE(walker.told().back().frame_start);
  EXPECT_EQ(walker.told().back().offset, f[6].offset);
}

TEST(BpfHttp2Test, MissedBytesElsewhereLoseTheBoundaryAndItIsFoundAgain) {
  const FrameStream stream = UnaryCalls(40, 50);
  const auto& f = stream.frames();
  for (std::size_t missed = 4; missed + 6 < f.size(); ++missed) {
    SCOPED_TRACE(missed);
    Walker walker = ClientWalker();
    // A call a frame; one is not seen, and only half of the next one.
    for (std::size_t i = 0; i < f.size(); ++i) {
      const std::uint64_t from = i == 0 ? 0 : i == missed + 1 ? f[i].offset + 5 : f[i].offset;
      if (i == missed) continue;
      walker.CallAt(from, std::string_view(stream.bytes()).substr(from, f[i].end() - from));
    }
    ExpectTrue(stream, walker, stream.bytes().size());
    EXPECT_EQ(walker.lost(), 1);
    ExpectFramesKnown(stream, walker, f[missed + 2].offset);
  }
}

TEST(BpfHttp2Test, AnotherThreadsLateCallChangesNothing) {
  FrameStream stream = UnaryCalls(6, 50);
  const auto& f = stream.frames();
  Walker walker = ClientWalker();
  const auto call = [&](std::size_t from, std::size_t to) {
    const std::uint64_t at = from == 0 ? 0 : f[from].offset;
    walker.CallAt(at, std::string_view(stream.bytes()).substr(at, f[to].end() - at));
  };
  call(0, 4);
  call(7, 8);
  call(5, 6);
  call(9, f.size() - 1);
  std::vector<Told> told = walker.told();
  std::ranges::sort(told, {}, &Told::offset);
  std::uint64_t reached = 0;
  std::size_t captured = 0;
  for (const Told& one : told) {
    captured += one.captured.size();
    reached = std::max(reached, one.end);
  }
  EXPECT_EQ(reached, stream.bytes().size());
  EXPECT_EQ(captured, stream.bytes().size());
}

TEST(BpfHttp2Test, IsFoundWhereverWeJoin) {
  FrameStream stream = UnaryCalls(30, 80);
  const auto& f = stream.frames();
  for (std::uint64_t joined = 1; joined < f[20].offset; ++joined) {
    SCOPED_TRACE(joined);
    Walker walker(joined, WS_H2_SCAN);
    std::uint64_t from = joined;
    for (const Frame& frame : f) {
      if (frame.end() <= joined) continue;
      walker.CallAt(from, std::string_view(stream.bytes()).substr(from, frame.end() - from));
      from = frame.end();
    }
    ExpectTrue(stream, walker, stream.bytes().size(), joined);
    ExpectFramesKnown(stream, walker, f[22].offset);
  }
}

TEST(BpfHttp2Test, AnotherProtocolBehindAnUpgradeIsNotTaken) {
  Walker walker(100, WS_H2_UPGRADED);
  walker.BeginAt(100);
  for (const std::string& frame :
       {std::string("\x81\x05hello", 7), std::string("\x82\x7e\x01\x00", 4), std::string(300, '\0'),
        std::string("GET / HTTP/1.1\r\n\r\n")}) {
    walker.Call(frame);
    EXPECT_TRUE(walker.last().missed);
    EXPECT_FALSE(walker.last().found);
  }
  EXPECT_TRUE(walker.told().empty());
  EXPECT_EQ(walker.state().at, walker.state().told);
}

TEST(BpfHttp2Test, BehindAnUpgradeEachEndBeginsInItsWay) {
  FrameStream server;
  server.Settings().Headers(1).Data(1, "answer", true);
  Walker at_server(0, WS_H2_UPGRADED);
  at_server.Call(server.bytes());
  ExpectTrue(server, at_server, server.bytes().size());
  FrameStream client;
  client.Preface().Settings().Ack();
  Walker at_client(0, WS_H2_UPGRADED);
  at_client.Call(client.bytes());
  ExpectTrue(client, at_client, client.bytes().size());
  EXPECT_EQ(at_client.told()[0].captured, client.bytes());
}

TEST(BpfHttp2Test, NothingIsMadeOfNoise) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    Walker walker(0, round % 2 == 0 ? WS_H2_SYNC : WS_H2_SCAN);
    std::uint64_t total = 0;
    for (int call = 0; call < 20; ++call) {
      std::string bytes(1 + random() % 3000, '\0');
      if (round % 5 != 0) {
        for (auto& c : bytes) c = static_cast<char>(random() % (round % 3 == 0 ? 10 : 256));
      }
      total += bytes.size();
      walker.Call(bytes);
    }
    std::uint64_t reached = 0;
    for (const Told& told : walker.told()) {
      ASSERT_EQ(told.offset, reached);
      reached = told.end;
    }
    EXPECT_LE(reached, total);
    EXPECT_EQ(walker.state().at, total);
  }
}

}  // namespace
}  // namespace wirespan
