// What HTTP/2's DATA carries: summed, followed from message to message, or passed over without a
// look.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/bpf/infer/http2_checks.h"

namespace wirespan {
namespace {

using frame_test::FrameStream;
using frame_test::Message;
using frame_test::Told;
using frame_test::Walker;
using Frame = FrameStream::Frame;

TEST(BpfHttp2BodyTest, ALongDownloadIsSummed) {
  constexpr std::size_t kBody = 16u << 20;
  for (const bool grpc : {false, true}) {
    for (const std::size_t call : {std::size_t{16393}, std::size_t{16384}, std::size_t{4096},
                                   std::size_t{200'000}, std::size_t{1u << 20}}) {
      SCOPED_TRACE(call);
      FrameStream stream;
      stream.Settings().Headers(1, 80).Body(1, grpc ? Message(kBody) : std::string(kBody, 'b'));
      stream.Data(1, "", true);
      Walker walker;
      const auto start = stream.frames()[1].end();
      walker.Call(std::string_view(stream.bytes()).substr(0, start));
      for (std::size_t at = start; at < stream.bytes().size(); at += call)
        walker.Call(std::string_view(stream.bytes()).substr(at, call));
      ExpectTrue(stream, walker, stream.bytes().size());
      ExpectFramesKnown(stream, walker);
      EXPECT_LT(walker.told().size(), kBody / 65536 / 2);
      EXPECT_LT(walker.copied(), kBody / 20);
      // Of the calls that hold no frame header all but those at which a record is due.
      const auto calls = static_cast<int>(kBody / call);
      if (call == 4096) {
        EXPECT_GT(walker.inside(), calls * 2 / 3);
      }
      auto counters = CountMessages(stream, walker);
      if (grpc) {
        EXPECT_TRUE(counters[1].exact());
        EXPECT_EQ(counters[1].bytes(), kBody);
      }
    }
  }
}

TEST(BpfHttp2BodyTest, ZerosAreNoMessages) {
  FrameStream stream;
  stream.Settings().Headers(1, 80).Body(1, std::string(4u << 20, '\0')).Data(1, "", true);
  Walker walker;
  walker.Call(stream.bytes());
  ExpectTrue(stream, walker, stream.bytes().size());
  EXPECT_LT(walker.told().size(), 40u);
  std::size_t captured = 0;
  for (const Told& told : walker.told()) captured += told.captured.size();
  EXPECT_LT(captured, 1000u);
}

TEST(BpfHttp2BodyTest, TheLastByteOfAStreamIsToldWhenItPasses) {
  FrameStream stream;
  stream.Settings().Headers(1).Body(1, std::string(40000, 'b'), 16384, true);
  Walker walker;
  for (std::size_t at = 0; at < stream.bytes().size(); at += 3000)
    walker.Call(std::string_view(stream.bytes()).substr(at, 3000));
  ExpectTrue(stream, walker, stream.bytes().size());
}

TEST(BpfHttp2BodyTest, AStreamOfLargeMessagesIsCountedExactly) {
  std::mt19937 random(5);
  std::string body;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = random() % (i % 3 == 0 ? 60 : i % 3 == 1 ? 3000 : 90000);
    body += Message(size);
    bytes += size;
  }
  // As C++ and Java write: frames are filled whatever the messages are; cut in every way.
  for (const std::size_t frame :
       {std::size_t{16384}, std::size_t{1000}, std::size_t{9}, std::size_t{3}}) {
    FrameStream stream;
    stream.Settings().Headers(7).Body(7, std::string_view(body).substr(0, frame * 3000), frame);
    for (const std::size_t call : {std::size_t{700}, std::size_t{16384}, std::size_t{100'000}}) {
      SCOPED_TRACE(std::to_string(frame) + " " + std::to_string(call));
      Walker walker;
      for (std::size_t at = 0; at < stream.bytes().size(); at += call)
        walker.Call(std::string_view(stream.bytes()).substr(at, call));
      walker.Close();
      const auto reached = walker.told().back().end;
      ExpectTrue(stream, walker, reached);
      EXPECT_EQ(walker.lost(), 0);
      auto counter = CountMessages(stream, walker)[7];
      EXPECT_TRUE(counter.exact());
      if (frame == 16384) {
        EXPECT_EQ(counter.messages(), 200u);
        EXPECT_EQ(counter.bytes(), bytes);
      }
    }
  }
}

TEST(BpfHttp2BodyTest, InterleavedStreamsAreCountedExactlyUpToAFew) {
  FrameStream stream;
  stream.Settings();
  std::array<std::string, 4> bodies;
  for (std::uint32_t i = 0; i < 4; ++i) {
    stream.Headers(2 * i + 1);
    for (int m = 0; m < 5; ++m) bodies[i] += Message(20000 + 3000 * i);
  }
  for (std::size_t at = 0; at < 200'000; at += 16384) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      if (at < bodies[i].size())
        stream.Data(2 * i + 1, std::string_view(bodies[i]).substr(at, 16384));
    }
  }
  Walker walker;
  for (std::size_t at = 0; at < stream.bytes().size(); at += 50'000)
    walker.Call(std::string_view(stream.bytes()).substr(at, 50'000));
  walker.Close();
  ExpectTrue(stream, walker, walker.told().back().end);
  for (auto& [id, counter] : CountMessages(stream, walker)) {
    EXPECT_TRUE(counter.exact()) << id;
    EXPECT_EQ(counter.messages(), 5u) << id;
  }
}

TEST(BpfHttp2BodyTest, ManyInterleavedStreamsAreStillFrames) {
  FrameStream stream;
  stream.Settings();
  for (std::uint32_t i = 0; i < 1000; ++i) stream.Headers(2 * i + 1);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 1000; ++i)
      stream.Data(2 * i + 1, std::string(700, 'd'), round == 2);
  }
  Walker walker;
  for (std::size_t at = 0; at < stream.bytes().size(); at += 30'000)
    walker.Call(std::string_view(stream.bytes()).substr(at, 30'000));
  ExpectTrue(stream, walker, stream.bytes().size());
  ExpectFramesKnown(stream, walker);
  EXPECT_EQ(walker.lost(), 0);
}

TEST(BpfHttp2BodyTest, CallsWithoutABufferAreArithmeticInsideOfData) {
  FrameStream stream;
  stream.Settings().Headers(1).Body(1, std::string(40000, 'f'), 10000, true).Ping();
  Walker walker;
  const auto& bytes = stream.bytes();
  walker.Call(std::string_view(bytes).substr(0, stream.frames()[2].offset));
  for (std::size_t i = 2; i < 6; ++i) {
    const Frame& f = stream.frames()[i];
    walker.Call(std::string_view(bytes).substr(f.offset, 9));
    walker.Pass(4000);
    walker.Pass(f.length - 4000);
  }
  walker.Call(std::string_view(bytes).substr(stream.frames()[6].offset));
  EXPECT_EQ(walker.lost(), 0);
  ExpectTrue(stream, walker, bytes.size());
}

// nginx: a frame's header in a call of its own, its payload by sendfile.
TEST(BpfHttp2BodyTest, ADownloadWithoutABufferIsSummed) {
  constexpr std::size_t kBody = 16u << 20;
  constexpr std::size_t kFrame = 8192;
  FrameStream stream;
  stream.Settings().Headers(1, 80).Body(1, std::string(kBody, 'f'), kFrame).Data(1, "", true);
  Walker walker;
  const auto& bytes = stream.bytes();
  walker.Call(std::string_view(bytes).substr(0, stream.frames()[2].offset));
  for (const Frame& f : stream.frames()) {
    if (f.type != 0) continue;
    walker.Call(std::string_view(bytes).substr(f.offset, 9));
    if (f.length != 0) walker.Pass(f.length);
  }
  EXPECT_EQ(walker.lost(), 0);
  ExpectTrue(stream, walker, bytes.size());
  EXPECT_LT(walker.told().size(), kBody / 65536 / 2);
  // Of the headers and payloads all but those at which a record is due.
  EXPECT_GT(walker.inside(), static_cast<int>(2 * kBody / kFrame * 9 / 10));
}

// curl, h2load: reads that hold a frame's end and the next ones' beginnings. Most servers' frames
// are alike, some are not.
TEST(BpfHttp2BodyTest, ReadsAcrossTheFramesOfOneBodyTakeTheShortWay) {
  constexpr std::size_t kBody = 16u << 20;
  for (const bool alike : {true, false}) {
    for (const std::size_t call : {std::size_t{8192}, std::size_t{16384}, std::size_t{30'000}}) {
      SCOPED_TRACE(call);
      FrameStream stream;
      stream.Settings().Headers(1, 80);
      for (std::size_t sent = 0, i = 0; sent < kBody; ++i) {
        const std::size_t length = alike ? 8192 : 5000 + i * 7919 % 3000;
        stream.Data(1, std::string(length, 'b'));
        sent += length;
      }
      stream.Data(1, "", true);
      Walker walker;
      const auto start = stream.frames()[2].offset;
      walker.Call(std::string_view(stream.bytes()).substr(0, start));
      for (std::size_t at = start; at < stream.bytes().size(); at += call)
        walker.Call(std::string_view(stream.bytes()).substr(at, call));
      EXPECT_EQ(walker.lost(), 0);
      ExpectTrue(stream, walker, stream.bytes().size());
      ExpectFramesKnown(stream, walker);
      // All but those at which a record is due, or that end inside of a header.
      EXPECT_GT(walker.inside(), static_cast<int>(kBody / call * 8 / 10));
      EXPECT_LT(walker.told().size(), kBody / 65536 / 2);
    }
  }
}

TEST(BpfHttp2BodyTest, AnotherStreamsFrameInOneCallWithABodyIsTold) {
  FrameStream stream;
  stream.Settings().Headers(1, 80).Headers(3, 80);
  const std::string part(8192, 'b');
  for (int i = 0; i < 20; ++i) {
    stream.Data(1, part);
    if (i == 7) stream.Data(3, part);
    if (i == 13) stream.Headers(5, 60);
  }
  stream.Data(1, "", true);
  for (const std::size_t call : {std::size_t{8201}, std::size_t{10'000}, std::size_t{50'000}}) {
    SCOPED_TRACE(call);
    Walker walker;
    for (std::size_t at = 0; at < stream.bytes().size(); at += call)
      walker.Call(std::string_view(stream.bytes()).substr(at, call));
    EXPECT_EQ(walker.lost(), 0);
    ExpectTrue(stream, walker, stream.bytes().size());
    ExpectFramesKnown(stream, walker);
  }
}

TEST(BpfHttp2BodyTest, MessagesAreFollowedWhereOneCallHadNoBuffer) {
  constexpr int kMessages = 50;
  FrameStream stream;
  stream.Settings().Headers(1);
  for (int i = 0; i < kMessages; ++i) stream.Data(1, Message(1000));
  Walker walker;
  const auto& bytes = stream.bytes();
  const auto& f = stream.frames();
  walker.Call(std::string_view(bytes).substr(0, f[10].offset + 9));
  walker.Pass(f[10].length);
  for (std::size_t i = 11; i < f.size(); ++i)
    walker.Call(std::string_view(bytes).substr(f[i].offset, 9u + f[i].length));
  ExpectTrue(stream, walker, bytes.size());
  EXPECT_GE(CountMessages(stream, walker)[1].messages(), kMessages - 1u);
}

TEST(BpfHttp2BodyTest, MissedBytesInsideOfDataAreArithmetic) {
  FrameStream stream;
  stream.Settings().Headers(1).Data(1, Message(10000)).Headers(1, 20, true);
  const auto& f = stream.frames();
  Walker walker;
  walker.Call(std::string_view(stream.bytes()).substr(0, f[2].offset + 1000));
  walker.Miss(3000);
  walker.Call(std::string_view(stream.bytes()).substr(f[2].offset + 4000));
  EXPECT_EQ(walker.lost(), 0);
  ExpectTrue(stream, walker, stream.bytes().size());
  EXPECT_EQ(CapturedIn(walker, f[3].offset, f[3].end()), 29u);
}

}  // namespace
}  // namespace wirespan
