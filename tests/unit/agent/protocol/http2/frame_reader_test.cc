#include "agent/protocol/http2/frame_reader.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/protocol/http2/wire.h"

namespace wirespan::http2 {
namespace {

using testing::Listener;
using testing::Octets;
using testing::PieceOf;
using testing::Told;
using Begin = FrameReader::Begin;

std::string Settings() {
  return Octets(FrameType::kSettings, 0, 0, std::string("\0\3\0\0\0\x64", 6));
}

// A client's side of a call, with all that stands in front of contents.
std::string Conversation() {
  std::string out(kPreface);
  out += Settings();
  out += Octets(FrameType::kHeaders, kPadded | kPriorityFlag, 1,
                std::string("\2\0\0\0\0\x10", 6) + "head" + std::string(2, '\0'));
  out += Octets(FrameType::kContinuation, 0, 1, "er");
  out += Octets(FrameType::kContinuation, kEndHeaders, 1, "s");
  out += Octets(static_cast<FrameType>(0xfa), 0xff, 7, "grease");
  out += Octets(FrameType::kWindowUpdate, 0, 0, std::string("\0\0\1\0", 4));
  out += Octets(FrameType::kData, kPadded, 1, std::string("\3hello\0\0\0", 9));
  out += Octets(FrameType::kPushPromise, kEndHeaders, 1, std::string("\0\0\0\2", 4) + "promise");
  out += Octets(FrameType::kPing, kAck, 0, "12345678");
  out += Octets(FrameType::kData, kEndStream, 1);
  out += Octets(FrameType::kRstStream, 0, 3, std::string("\0\0\0\x8", 4));
  return out;
}

struct Expected {
  FrameType type;
  std::uint32_t stream;
  std::string contents;
};
const std::vector<Expected> kExpected = {
    {FrameType::kSettings, 0, std::string("\0\3\0\0\0\x64", 6)},
    {FrameType::kHeaders, 1, "head"},
    {FrameType::kContinuation, 1, "er"},
    {FrameType::kContinuation, 1, "s"},
    {FrameType::kWindowUpdate, 0, std::string("\0\0\1\0", 4)},
    {FrameType::kData, 1, "hello"},
    {FrameType::kPushPromise, 1, "promise"},
    {FrameType::kPing, 0, "12345678"},
    {FrameType::kData, 1, ""},
    {FrameType::kRstStream, 3, std::string("\0\0\0\x8", 4)},
};

void ExpectConversation(const Listener& told) {
  EXPECT_TRUE(told.orderly);
  EXPECT_EQ(told.losses, 0);
  ASSERT_EQ(told.frames.size(), kExpected.size());
  for (std::size_t i = 0; i < kExpected.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(told.frames[i].header.type, kExpected[i].type);
    EXPECT_EQ(told.frames[i].header.stream, kExpected[i].stream);
    EXPECT_EQ(told.frames[i].contents, kExpected[i].contents);
    EXPECT_TRUE(told.frames[i].ended);
    EXPECT_TRUE(told.frames[i].exact);
  }
}

TEST(FrameReaderTest, TellsFramesWithoutWhatIsNotTheirContents) {
  const std::string wire = Conversation();
  FrameReader reader(Begin::kPreface);
  Listener told;
  reader.Feed(PieceOf(wire, 0, wire.size(), wire.size()), told);
  ExpectConversation(told);
  EXPECT_TRUE(reader.at_boundary());
  EXPECT_FALSE(reader.lost());
}

TEST(FrameReaderTest, TellsTheSameAtEveryCut) {
  const std::string wire = Conversation();
  for (std::size_t cut = 1; cut < wire.size(); ++cut) {
    SCOPED_TRACE(cut);
    FrameReader reader(Begin::kPreface);
    Listener told;
    reader.Feed(PieceOf(wire, 0, cut, cut), told);
    reader.Feed(PieceOf(wire, cut, wire.size(), wire.size()), told);
    ExpectConversation(told);
  }
}

TEST(FrameReaderTest, MarksAFrameWhereAndWhenItsFirstByteWasSeen) {
  const std::string wire = Settings() + Octets(FrameType::kData, 0, 1, "ab");
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at + 4, wire.size()), told);
  reader.Feed(PieceOf(wire, at + 4, at + 10, wire.size()), told);
  EXPECT_FALSE(told.frames.back().ended);
  reader.Feed(PieceOf(wire, at + 10, wire.size(), wire.size()), told);
  const Told& frame = told.frames.back();
  EXPECT_EQ(frame.offset, at);
  EXPECT_EQ(frame.begin_ts_ns, 1000u);
  EXPECT_EQ(frame.end_ts_ns, at + 10 + 1000);
}

TEST(FrameReaderTest, PassesAGapInsideAPayloadByArithmetic) {
  const std::string wire = Settings() + Octets(FrameType::kData, 0, 1, std::string(50000, 'x')) +
                           Octets(FrameType::kData, kEndStream, 1, "end");
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at + 9 + 20000, at + 9 + 7), told);
  reader.Feed(PieceOf(wire, at + 9 + 20000, at + 9 + 50000, 0), told);
  EXPECT_TRUE(reader.at_boundary());
  reader.Feed(PieceOf(wire, at + 9 + 50000, wire.size(), wire.size()), told);
  EXPECT_EQ(told.losses, 0);
  ASSERT_EQ(told.frames.size(), 3u);
  EXPECT_EQ(told.frames[1].seen, std::string(7, 'y') + std::string(49993, 'n'));
  EXPECT_EQ(told.frames[2].contents, "end");
}

TEST(FrameReaderTest, SaysWhenPaddingMayBeAmongTheContents) {
  const std::string wire = Settings() +
                           Octets(FrameType::kData, kPadded, 1, std::string("\3hello\0\0\0", 9)) +
                           Octets(FrameType::kHeaders, kPadded | kPriorityFlag | kEndHeaders, 3,
                                  std::string("\1\0\0\0\0\x10h\0", 8));
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at + 9, wire.size()), told);
  reader.Feed(PieceOf(wire, at + 9, at + 12, 0), told);  // pad length, "he"
  reader.Feed(PieceOf(wire, at + 12, at + 18 + 9, wire.size()), told);
  reader.Feed(PieceOf(wire, at + 27, at + 27 + 2, 0),
              told);  // pad length, a priority's first octet
  reader.Feed(PieceOf(wire, at + 29, wire.size(), wire.size()), told);
  EXPECT_EQ(told.losses, 0);
  ASSERT_EQ(told.frames.size(), 3u);
  EXPECT_EQ(told.frames[1].contents, std::string("??llo\0\0\0", 8));
  EXPECT_FALSE(told.frames[1].exact);
  EXPECT_EQ(told.frames[2].contents, std::string("h\0", 2));
  EXPECT_FALSE(told.frames[2].exact);
}

TEST(FrameReaderTest, CutsAControlFrameWhereAGapBeginsAndAtItsBound) {
  const std::string wire = Settings() + Octets(FrameType::kRstStream, 0, 1, std::string(4, '\7')) +
                           Octets(FrameType::kGoaway, 0, 0, std::string(9000, 'd'));
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at + 10, wire.size()), told);
  reader.Feed(PieceOf(wire, at + 10, at + 12, 0), told);
  reader.Feed(PieceOf(wire, at + 12, at + 13 + 100, wire.size()), told);
  reader.Feed(PieceOf(wire, at + 113, wire.size(), wire.size()), told);
  ASSERT_EQ(told.frames.size(), 3u);
  EXPECT_EQ(told.frames[1].contents, "\7");
  EXPECT_EQ(told.frames[2].contents, std::string(FrameReader::kMaxControlBytes, 'd'));

  FrameReader whole(Begin::kFrames);
  Listener told_at_once;
  whole.Feed(PieceOf(wire, 0, wire.size(), wire.size()), told_at_once);
  EXPECT_EQ(told_at_once.frames[2].contents, told.frames[2].contents);
}

TEST(FrameReaderTest, IsLostBehindAGapOverAHeaderUntilTheNextMark) {
  const std::string data = Octets(FrameType::kData, 0, 1, "12345");
  const std::string wire = Settings() + data + data + data;
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at + 3, wire.size()), told);
  EXPECT_FALSE(reader.at_boundary());
  reader.Feed(PieceOf(wire, at + 3, at + 10, 0), told);
  EXPECT_TRUE(reader.lost());
  EXPECT_EQ(told.lost, 10u);
  // In the middle of a payload, whatever it looks like.
  auto inside = PieceOf(wire, at + 10, at + 14, wire.size());
  reader.Feed(inside, told);
  EXPECT_TRUE(reader.lost());
  EXPECT_EQ(told.lost, 14u);
  auto marked = PieceOf(wire, at + 14, wire.size(), wire.size());
  marked.frame_start = true;
  reader.Feed(marked, told);
  EXPECT_TRUE(reader.at_boundary());
  EXPECT_EQ(told.frames.size(), 3u);
  EXPECT_EQ(told.lost, 14u);
}

TEST(FrameReaderTest, TakesNoMarkThatItsOctetsRefute) {
  const std::string wire = "no frame at all, and that for long";
  FrameReader reader(Begin::kScan);
  Listener told;
  auto piece = PieceOf(wire, 0, wire.size(), wire.size());
  piece.frame_start = true;
  reader.Feed(piece, told);
  EXPECT_TRUE(reader.lost());
  EXPECT_TRUE(told.frames.empty());
  EXPECT_EQ(told.lost, wire.size());
}

TEST(FrameReaderTest, ReadsAMarkedHeaderThatIsCut) {
  const std::string wire = Octets(FrameType::kData, 0, 1, "12345");
  FrameReader reader(Begin::kScan);
  Listener told;
  auto piece = PieceOf(wire, 0, 3, wire.size());
  piece.frame_start = true;
  reader.Feed(piece, told);
  reader.Feed(PieceOf(wire, 3, wire.size(), wire.size()), told);
  EXPECT_EQ(told.losses, 0);
  ASSERT_EQ(told.frames.size(), 1u);
  EXPECT_TRUE(told.frames[0].ended);
}

TEST(FrameReaderTest, FindsABoundaryByItselfOnlyWhereACallBeginsWithCertainFrames) {
  const std::string one = Octets(FrameType::kHeaders, kEndHeaders, 9, "abc");
  const std::string two = one + Octets(FrameType::kPing, 0, 0, "12345678");
  for (const auto& [wire, whole, found] :
       std::initializer_list<std::tuple<std::string, bool, bool>>{
           {one, true, false},
           {two, true, true},
           {two, false, false},
           {std::string(kPreface) + Settings(), true, true}}) {
    FrameReader reader(Begin::kScan);
    Listener told;
    auto piece = PieceOf(wire, 0, wire.size(), wire.size());
    piece.whole = whole;
    reader.Feed(piece, told);
    EXPECT_EQ(reader.at_boundary(), found);
    EXPECT_EQ(!told.frames.empty(), found);
    EXPECT_EQ(told.lost, found ? 0 : wire.size());
  }
}

TEST(FrameReaderTest, TakesARunAtABoundaryAndTheFrameBehindIt) {
  const std::string frame = Octets(FrameType::kData, 0, 5, std::string(100, 'x'));
  const std::string wire =
      Settings() + frame + frame + Octets(FrameType::kData, kEndStream, 5, "y");
  const std::size_t at = Settings().size();
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, at, wire.size()), told);
  auto run = PieceOf(wire, at, at + 2 * 109, 0);
  run.run = {5, 2, 200};
  reader.Feed(run, told);
  reader.Feed(PieceOf(wire, at + 218, wire.size(), wire.size()), told);
  EXPECT_EQ(told.losses, 0);
  ASSERT_EQ(told.runs.size(), 1u);
  EXPECT_EQ(told.runs[0].payload, 200u);
  EXPECT_EQ(told.frames.back().contents, "y");
}

TEST(FrameReaderTest, PassesARunOfWindowUpdatesAndFindsTheBoundaryByIt) {
  const std::string next = Octets(FrameType::kPing, 0, 0, "12345678");
  for (const Begin begin : {Begin::kFrames, Begin::kScan}) {
    FrameReader reader(begin);
    Listener told;
    const std::string settings = Settings();
    if (begin == Begin::kFrames) {
      reader.Feed(PieceOf(settings, 0, settings.size(), settings.size()), told);
    }
    auto run = PieceOf({}, 0, 39, 0);
    run.run = {0, 3, 12};
    reader.Feed(run, told);
    EXPECT_TRUE(reader.at_boundary());
    reader.Feed(PieceOf(next, 0, next.size(), next.size()), told);
    EXPECT_EQ(told.losses, 0);
    ASSERT_EQ(told.runs.size(), 1u);
    EXPECT_EQ(told.frames.back().header.type, FrameType::kPing);
  }
}

TEST(FrameReaderTest, TakesARunWhoseSizesDoNotAddUpForAGap) {
  for (const protocol::FrameRun run : std::initializer_list<protocol::FrameRun>{
           {5, 2, 201}, {0, 2, 200}, {5, 25, 0}, {0x80000000u, 2, 200}, {5, UINT32_MAX, 0}}) {
    FrameReader reader(Begin::kScan);
    Listener told;
    auto piece = PieceOf({}, 0, 218, 0);
    piece.run = run;
    reader.Feed(piece, told);
    EXPECT_TRUE(reader.lost());
    EXPECT_TRUE(told.runs.empty());
    EXPECT_EQ(told.lost, 218u);
  }
}

TEST(FrameReaderTest, GivesUpTheFrameUnderWayWhereARunOrACertainMarkContradictsIt) {
  const std::string wire = Settings() + Octets({5000, FrameType::kData, 0, 1}, "begun");
  const std::string next = Octets(FrameType::kPing, 0, 0, "12345678");
  for (const bool by_run : {true, false}) {
    FrameReader reader(Begin::kFrames);
    Listener told;
    reader.Feed(PieceOf(wire, 0, wire.size(), wire.size()), told);
    if (by_run) {
      auto run = PieceOf({}, 0, 109, 0);
      run.run = {7, 1, 100};
      reader.Feed(run, told);
    } else {
      auto marked = PieceOf(next, 0, next.size(), next.size());
      marked.frame_start = true;
      reader.Feed(marked, told);
    }
    EXPECT_TRUE(told.orderly);
    EXPECT_EQ(told.losses, 1);
    EXPECT_FALSE(told.frames[1].ended);
    EXPECT_EQ(told.runs.size() + told.frames.size(), 3u);
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(FrameReaderTest, IgnoresAMarkInsideAFrameThatItsOctetsDoNotSupport) {
  const std::string wire = Settings() + Octets(FrameType::kData, 0, 1, "begun, goes on");
  FrameReader reader(Begin::kFrames);
  Listener told;
  const std::size_t cut = wire.size() - 7;
  reader.Feed(PieceOf(wire, 0, cut, wire.size()), told);
  auto marked = PieceOf(wire, cut, wire.size(), wire.size());
  marked.frame_start = true;
  reader.Feed(marked, told);
  EXPECT_EQ(told.losses, 0);
  EXPECT_EQ(told.frames.back().contents, "begun, goes on");
}

TEST(FrameReaderTest, IsLostWhereTheRulesOfTheConnectionAreBroken) {
  const std::string headers = Octets(FrameType::kHeaders, 0, 1, "abc");
  const std::string ping = Octets(FrameType::kPing, 0, 0, "12345678");
  for (const std::string& wire : {
           ping,  // not SETTINGS
           Octets(FrameType::kSettings, kAck, 0),
           Settings() + headers + ping,  // a block interrupted
           Settings() + headers + Octets(FrameType::kContinuation, 0, 3, "d"),
           Settings() + Octets(FrameType::kContinuation, 0, 3, "d"),
           Settings() + Octets(FrameType::kData, kPadded, 1, "\4abc"),  // more padding than payload
           Settings() + Octets(FrameType::kData, 0, 0, "abc"),
       }) {
    FrameReader reader(Begin::kFrames);
    Listener told;
    reader.Feed(PieceOf(wire, 0, wire.size(), wire.size()), told);
    EXPECT_TRUE(reader.lost());
    EXPECT_TRUE(told.orderly);
    EXPECT_GT(told.lost, 0u);
  }
}

TEST(FrameReaderTest, IsLostWithoutThePreface) {
  for (const std::string& wire : {std::string("PRI * HTTP/1.1\r\n\r\n"), Settings()}) {
    for (std::size_t cut = 0; cut < wire.size(); ++cut) {
      FrameReader reader(Begin::kPreface);
      Listener told;
      reader.Feed(PieceOf(wire, 0, cut, cut), told);
      auto rest = PieceOf(wire, cut, wire.size(), wire.size());
      rest.whole = false;
      reader.Feed(rest, told);
      EXPECT_TRUE(reader.lost());
      EXPECT_EQ(told.lost, wire.size());
    }
  }
}

TEST(FrameReaderTest, FollowsFramesOfAnyLength) {
  const std::uint32_t length = (1u << 24) - 1;
  const std::string wire = Settings() + Octets({length, FrameType::kData, 0, 1}, {});
  FrameReader reader(Begin::kFrames);
  Listener told;
  reader.Feed(PieceOf(wire, 0, wire.size() + length, wire.size()), told);
  EXPECT_TRUE(reader.at_boundary());
  EXPECT_EQ(told.frames.back().contents.size(), length);
  EXPECT_EQ(told.losses, 0);
}

}  // namespace
}  // namespace wirespan::http2
