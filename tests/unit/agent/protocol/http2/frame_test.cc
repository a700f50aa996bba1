#include "agent/protocol/http2/frame.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/protocol/http2/wire.h"

namespace wirespan::http2 {
namespace {

using testing::Octets;

bool Accepts(FrameType type, std::uint8_t flags, std::uint32_t stream, std::uint32_t length) {
  const FrameHeader sent{length, type, flags, stream};
  FrameHeader read;
  if (!ParseFrameHeader(Octets(sent, {}), read)) return false;
  EXPECT_EQ(read, sent);
  return true;
}

TEST(FrameHeaderTest, ReadsTheLargestNumbersAndIgnoresTheReservedBit) {
  EXPECT_TRUE(Accepts(FrameType::kData, 0xff, 0x7fffffff, (1u << 24) - 1));
  FrameHeader header;
  ASSERT_TRUE(ParseFrameHeader(Octets({0, FrameType::kData, 0, 0x80000003u}, {}), header));
  EXPECT_EQ(header.stream, 3u);
}

TEST(FrameHeaderTest, KnowsWhichFramesBelongToStreamsAndHowLongTheyMayBe) {
  struct Case {
    FrameType type;
    std::uint8_t flags;
    std::uint32_t length;
    bool connection;
    bool stream;
  };
  for (const Case& one : std::initializer_list<Case>{
           {FrameType::kData, 0, 0, false, true},
           {FrameType::kData, kPadded, 0, false, false},
           {FrameType::kData, kPadded, 1, false, true},
           {FrameType::kHeaders, 0, 0, false, true},
           {FrameType::kHeaders, kPriorityFlag, 4, false, false},
           {FrameType::kHeaders, kPriorityFlag, 5, false, true},
           {FrameType::kHeaders, kPriorityFlag | kPadded, 5, false, false},
           {FrameType::kHeaders, kPriorityFlag | kPadded, 6, false, true},
           {FrameType::kPriority, 0, 5, false, true},
           {FrameType::kPriority, 0, 4, false, false},
           {FrameType::kRstStream, 0, 4, false, true},
           {FrameType::kRstStream, 0, 5, false, false},
           {FrameType::kSettings, 0, 0, true, false},
           {FrameType::kSettings, 0, 12, true, false},
           {FrameType::kSettings, 0, 7, false, false},
           {FrameType::kSettings, kAck, 0, true, false},
           {FrameType::kSettings, kAck, 6, false, false},
           {FrameType::kPushPromise, 0, 3, false, false},
           {FrameType::kPushPromise, 0, 4, false, true},
           {FrameType::kPushPromise, kPadded, 4, false, false},
           {FrameType::kPing, 0, 8, true, false},
           {FrameType::kPing, 0, 0, false, false},
           {FrameType::kGoaway, 0, 7, false, false},
           {FrameType::kGoaway, 0, 100, true, false},
           {FrameType::kWindowUpdate, 0, 4, true, true},
           {FrameType::kWindowUpdate, 0, 8, false, false},
           {FrameType::kContinuation, 0, 0, false, true},
           {static_cast<FrameType>(0x21), 0xff, 77, true, true},
       }) {
    SCOPED_TRACE(static_cast<int>(one.type) * 1000 + static_cast<int>(one.length));
    EXPECT_EQ(Accepts(one.type, one.flags, 0, one.length), one.connection);
    EXPECT_EQ(Accepts(one.type, one.flags, 5, one.length), one.stream);
  }
}

TEST(LooksLikeFramesTest, IsSurerTheMoreFramesFitTogether) {
  const std::string ping = Octets(FrameType::kPing, 0, 0, "12345678");
  const std::string headers = Octets(FrameType::kHeaders, kEndHeaders, 1, "\x82\x86\x84");
  const std::string data = Octets(FrameType::kData, 0, 1, std::string(100, 'x'));
  EXPECT_EQ(LooksLikeFrames({}), 1);
  EXPECT_EQ(LooksLikeFrames(data.substr(0, 5)), 1);
  EXPECT_EQ(LooksLikeFrames(data.substr(0, 50)), 1);
  EXPECT_EQ(LooksLikeFrames(data), 2);
  EXPECT_EQ(LooksLikeFrames(ping.substr(0, 9)), 2);
  EXPECT_EQ(LooksLikeFrames(headers + data.substr(0, 50)), 2);
  EXPECT_EQ(LooksLikeFrames(headers + data), 3);
  EXPECT_EQ(LooksLikeFrames(ping + headers), 3);
  EXPECT_EQ(LooksLikeFrames(headers + std::string(9, 'x')), 0);
}

TEST(LooksLikeFramesTest, TakesNothingElseForFrames) {
  using namespace std::string_view_literals;
  for (const std::string_view other :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "HTTP/1.1 200 OK\r\n\r\n"sv,
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, "\x17\x03\x03\x01\x45zzzzzzzzzz"sv,
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, "*3\r\n$3\r\nSET\r\n"sv,
        "\x00\x00\x00\x2a{\"json\":1}"sv, "SSH-2.0-OpenSSH_9.2\r\n"sv}) {
    SCOPED_TRACE(other);
    EXPECT_EQ(LooksLikeFrames(other), 0);
  }
}

}  // namespace
}  // namespace wirespan::http2
