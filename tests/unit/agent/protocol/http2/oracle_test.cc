// Conversations of nghttp2 with itself: we read what it understands.
#include "tests/unit/agent/protocol/hpack/oracle.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "agent/protocol/http2/frame_reader.h"
#include "tests/unit/agent/protocol/http2/nghttp2_peer.h"
#include "tests/unit/agent/protocol/http2/wire.h"

namespace wirespan::http2 {
namespace {

using testing::Listener;
using testing::Nghttp2Peer;
using testing::PieceOf;
using testing::Told;

// One direction: octets go to nghttp2 whole, and to our reader in random parts.
struct Direction {
  explicit Direction(FrameReader::Begin begin) : reader(begin) {}
  FrameReader reader;
  Listener told{};
  std::size_t passed = 0;

  void Pass(const std::string& octets, Nghttp2Peer& to, std::mt19937& random) {
    to.Receive(octets);
    for (std::size_t at = 0; at < octets.size();) {
      const std::size_t part = random() % 4 == 0 ? 1 + random() % 12 : 1 + random() % 20000;
      const std::size_t end = std::min(octets.size(), at + part);
      protocol::Piece piece = PieceOf(octets, at, end, end - at);
      piece.offset += passed;
      piece.end += passed;
      reader.Feed(piece, told);
      at = end;
    }
    passed += octets.size();
  }
};

void ExpectSame(const Direction& direction, const Nghttp2Peer::Understood& understood) {
  ASSERT_TRUE(direction.told.orderly);
  ASSERT_EQ(direction.told.losses, 0);
  EXPECT_TRUE(direction.reader.at_boundary());
  std::vector<FrameHeader> frames;
  std::map<std::uint32_t, std::string> data;
  std::vector<std::pair<std::string, std::string>> headers;
  hpack::testing::OracleDecoder decoder;
  std::string block;
  for (const Told& frame : direction.told.frames) {
    const FrameHeader& header = frame.header;
    EXPECT_TRUE(frame.ended && frame.exact);
    if (header.type == FrameType::kData) {
      if (!frame.contents.empty()) data[header.stream] += frame.contents;
    } else if (header.type == FrameType::kHeaders || header.type == FrameType::kPushPromise ||
               header.type == FrameType::kContinuation) {
      block += frame.contents;
      if (header.has(kEndHeaders)) {
        const auto fields = decoder.Decode(block);
        ASSERT_TRUE(fields);
        for (const auto& field : *fields) headers.emplace_back(field.name, field.value);
        block.clear();
      }
    }
    frames.push_back(header);
  }
  ASSERT_EQ(frames.size(), understood.frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i], understood.frames[i]) << i;
  EXPECT_EQ(data, understood.data);
  EXPECT_EQ(headers, understood.headers);
}

TEST(FrameReaderOracleTest, ReadsConversationsAsNghttp2Does) {
  std::map<FrameType, int> types;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Nghttp2Peer client(false, seed * 2);
    Nghttp2Peer server(true, seed * 2 + 1);
    Direction up(FrameReader::Begin::kPreface);
    Direction down(FrameReader::Begin::kFrames);
    for (int round = 0; round < 12; ++round) {
      for (auto n = random() % 4; n > 0; --n) client.Request();
      up.Pass(client.Send(), server, random);
      down.Pass(server.Send(), client, random);
    }
    ExpectSame(up, server.understood());
    ExpectSame(down, client.understood());
    for (const auto* told : {&up.told, &down.told}) {
      for (const Told& frame : told->frames) ++types[frame.header.type];
    }
    if (HasFailure()) return;
  }
  // The conversations are worth reading.
  for (const FrameType type :
       {FrameType::kData, FrameType::kHeaders, FrameType::kPriority, FrameType::kRstStream,
        FrameType::kSettings, FrameType::kPushPromise, FrameType::kPing, FrameType::kWindowUpdate,
        FrameType::kContinuation}) {
    EXPECT_GT(types[type], 10) << static_cast<int>(type);
  }
}

}  // namespace
}  // namespace wirespan::http2
