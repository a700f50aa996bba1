#include "agent/protocol/http1/chunked.h"

#include <gtest/gtest.h>

namespace wirespan::http1 {
namespace {

constexpr std::string_view kBody =
    "5;name=\"v\"\r\nhello\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";

TEST(ChunkedTest, CountsPayloadAtEveryCut) {
  for (std::size_t cut = 0; cut <= kBody.size(); ++cut) {
    SCOPED_TRACE(cut);
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.OnBytes(kBody.substr(0, cut)), cut);
    EXPECT_EQ(decoder.done(), cut == kBody.size());
    EXPECT_EQ(decoder.OnBytes(kBody.substr(cut)), kBody.size() - cut);
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(decoder.payload(), 15u);
  }
}

TEST(ChunkedTest, TakesBareLineFeedsAtEveryCut) {
  constexpr std::string_view kBare = "5;x\nhello\n3\nabc\n0\nTrailer: x\n\n";
  for (std::size_t cut = 0; cut <= kBare.size(); ++cut) {
    SCOPED_TRACE(cut);
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.OnBytes(kBare.substr(0, cut)), cut);
    EXPECT_EQ(decoder.OnBytes(kBare.substr(cut)), kBare.size() - cut);
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(decoder.payload(), 8u);
  }
}

TEST(ChunkedTest, StopsAtTheEndOfTheBody) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.OnBytes("0\r\n\r\nHTTP/1.1 200"), 5u);
  EXPECT_TRUE(decoder.done());
}

TEST(ChunkedTest, SkipsAGapInsideAChunk) {
  ChunkedDecoder decoder;
  decoder.OnBytes("100000\r\nabc");
  EXPECT_EQ(decoder.OnGap(0x100000 - 3), 0x100000u - 3);
  EXPECT_EQ(decoder.OnBytes("\r\n0\r\n\r\n"), 7u);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.payload(), 0x100000u);
}

TEST(ChunkedTest, SaysWhereAGapHidesFraming) {
  ChunkedDecoder decoder;
  decoder.OnBytes("10\r\nabc");
  EXPECT_EQ(decoder.OnGap(100), 15u);  // 13 of data, CR LF; then a size that nobody can know
  EXPECT_EQ(decoder.OnGap(85), 0u);
  EXPECT_EQ(decoder.payload(), 16u);
}

// The capture copies size lines alone: a gap holds the data and its line end.
TEST(ChunkedTest, SkipsAGapThroughTheLineEndOfAChunk) {
  for (std::uint64_t first = 0; first <= 2502; ++first) {
    SCOPED_TRACE(first);
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.OnBytes("9c4\r\n"), 5u);
    EXPECT_EQ(decoder.OnGap(first), first);
    EXPECT_EQ(decoder.OnGap(2502 - first), 2502 - first);
    EXPECT_EQ(decoder.OnBytes("9c4;x=y\r\n"), 9u);
    EXPECT_EQ(decoder.OnGap(2502), 2502u);
    EXPECT_EQ(decoder.OnBytes("0\r\n\r\n"), 5u);
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(decoder.payload(), 5000u);
  }
}

TEST(ChunkedTest, RefusesNonsense) {
  for (const std::string_view bad :
       {"x\r\n", "\r\n", "5\r\nhelloX", "11111111111111111\r\n", ";x\r\n", "-1\r\n", "5g\r\n"}) {
    SCOPED_TRACE(bad);
    ChunkedDecoder decoder;
    decoder.OnBytes(bad);
    EXPECT_TRUE(decoder.invalid());
  }
}

TEST(ChunkedTest, BoundsExtensionsAndTrailers) {
  ChunkedDecoder extension;
  extension.OnBytes("5;" + std::string(100'000, 'x'));
  EXPECT_TRUE(extension.invalid());
  ChunkedDecoder trailers;
  trailers.OnBytes("0\r\n");
  for (int i = 0; i < 10'000; ++i) trailers.OnBytes("aaaaaaaa: b\r\n");
  EXPECT_TRUE(trailers.invalid());
}

}  // namespace
}  // namespace wirespan::http1
