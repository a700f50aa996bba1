// Which bytes of HTTP/2 calls are copied, which are summed, and that every byte is told of once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "agent/protocol/grpc/message_counter.h"
#include "tests/unit/bpf/infer/frames.h"
#include "tests/unit/bpf/infer/walker.h"

namespace wirespan {
namespace {

using frame_test::FrameStream;
using frame_test::Message;
using frame_test::Told;
using frame_test::Walker;
using Frame = FrameStream::Frame;

// The machine at the start of a client's direction.
Walker ClientWalker(std::uint32_t head_max = 16384) {
  Walker walker(0, WS_H2_SYNC, head_max);
  ws_h2_expect_preface(&walker.state(), WS_PREFACE);
  return walker;
}

bool IsBoundary(const FrameStream& stream, std::uint64_t offset) {
  return std::ranges::any_of(stream.frames(), [&](const Frame& f) { return f.offset == offset; });
}

// Everything told is true, and nothing is told twice or left out up to `end`.
void ExpectTrue(const FrameStream& stream, const Walker& walker, std::uint64_t end,
                std::uint64_t begin = 0) {
  const std::string& bytes = stream.bytes();
  std::uint64_t reached = begin;
  for (const Told& told : walker.told()) {
    ASSERT_EQ(told.offset, reached);
    ASSERT_GT(told.end, told.offset);
    ASSERT_LE(told.end, bytes.size());
    reached = told.end;
    ASSERT_LE(told.captured.size(), told.end - told.offset);
    ASSERT_EQ(told.captured, bytes.substr(told.offset, told.captured.size()));
    if (told.frame_start) {
      // Where we joined in the middle of a frame we may be wrong at first.
      ASSERT_TRUE(told.offset == begin || IsBoundary(stream, told.offset)) << told.offset;
    } else if (!told.captured.empty()) {
      ASSERT_FALSE(IsBoundary(stream, told.offset)) << told.offset;
    }
    if (told.run_frames == 0) continue;
    std::uint32_t frames = 0;
    std::uint64_t payload = 0;
    std::uint64_t at = told.offset;
    for (const Frame& f : stream.frames()) {
      if (f.offset != at || at == told.end) continue;
      ASSERT_EQ(f.type, told.run_stream == 0 ? 8 : 0);
      ASSERT_EQ(f.flags & 9, 0);
      ASSERT_TRUE(told.run_stream == 0 || f.stream == told.run_stream);
      ++frames;
      payload += f.length;
      at = f.end();
    }
    ASSERT_EQ(at, told.end);
    ASSERT_EQ(frames, told.run_frames);
    ASSERT_EQ(payload, told.run_payload);
  }
  ASSERT_EQ(reached, end);
}

// The octets of [from, to) that were copied.
std::size_t CapturedIn(const Walker& walker, std::uint64_t from, std::uint64_t to) {
  std::size_t n = 0;
  for (const Told& told : walker.told()) {
    const auto begin = std::max(from, told.offset);
    const auto end = std::min<std::uint64_t>(to, told.offset + told.captured.size());
    if (begin < end) n += end - begin;
  }
  return n;
}

bool InRun(const Walker& walker, std::uint64_t offset) {
  return std::ranges::any_of(walker.told(), [&](const Told& told) {
    return told.run_frames != 0 && told.offset <= offset && offset < told.end;
  });
}

// Frame headers are copied, or summed; header blocks and control frames are copied.
void ExpectFramesKnown(const FrameStream& stream, const Walker& walker, std::uint64_t from = 0) {
  for (const Frame& f : stream.frames()) {
    SCOPED_TRACE(f.offset);
    if (f.offset < from || InRun(walker, f.offset)) continue;
    ASSERT_EQ(CapturedIn(walker, f.offset, f.offset + 9), 9u);
    const std::uint64_t contents = f.type == 0 ? 0 : f.length;
    ASSERT_GE(CapturedIn(walker, f.offset, f.end()), 9u + contents);
  }
}

// The messages of each stream, as user space counts them.
std::map<std::uint32_t, grpc::MessageCounter> CountMessages(const FrameStream& stream,
                                                            const Walker& walker) {
  std::map<std::uint32_t, grpc::MessageCounter> counters;
  for (const Frame& f : stream.frames()) {
    if (f.type != 0) continue;
    auto& counter = counters[f.stream];
    counter.BeginFrame(f.length);
    std::uint64_t at = f.offset + 9;
    for (const Told& told : walker.told()) {
      if (told.end <= at || told.offset >= f.end()) continue;
      const std::uint64_t end = std::min(told.end, f.end());
      const std::uint64_t copied = std::min(std::max(told.offset + told.captured.size(), at), end);
      if (copied > at)
        counter.OnBytes(std::string_view(told.captured).substr(at - told.offset, copied - at));
      if (end > copied) counter.OnGap(end - copied);
      at = end;
    }
  }
  return counters;
}

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

TEST(BpfHttp2Test, ALongDownloadIsSummed) {
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

TEST(BpfHttp2Test, ZerosAreNoMessages) {
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

TEST(BpfHttp2Test, TheLastByteOfAStreamIsToldWhenItPasses) {
  FrameStream stream;
  stream.Settings().Headers(1).Body(1, std::string(40000, 'b'), 16384, true);
  Walker walker;
  for (std::size_t at = 0; at < stream.bytes().size(); at += 3000)
    walker.Call(std::string_view(stream.bytes()).substr(at, 3000));
  ExpectTrue(stream, walker, stream.bytes().size());
}

TEST(BpfHttp2Test, AStreamOfLargeMessagesIsCountedExactly) {
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

TEST(BpfHttp2Test, InterleavedStreamsAreCountedExactlyUpToAFew) {
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

TEST(BpfHttp2Test, ManyInterleavedStreamsAreStillFrames) {
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

TEST(BpfHttp2Test, CallsWithoutABufferAreArithmeticInsideOfData) {
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
TEST(BpfHttp2Test, ADownloadWithoutABufferIsSummed) {
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
TEST(BpfHttp2Test, ReadsAcrossTheFramesOfOneBodyTakeTheShortWay) {
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

TEST(BpfHttp2Test, AnotherStreamsFrameInOneCallWithABodyIsTold) {
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

TEST(BpfHttp2Test, MessagesAreFollowedWhereOneCallHadNoBuffer) {
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

TEST(BpfHttp2Test, MissedBytesInsideOfDataAreArithmetic) {
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
