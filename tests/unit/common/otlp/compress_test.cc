#include "common/otlp/compress.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <array>

namespace wirespan::otlp {
namespace {

using Outcome = Decompressor::Outcome;
constexpr std::array kEncodings = {Encoding::kIdentity, Encoding::kGzip, Encoding::kZstd,
                                   Encoding::kDeflate};

// Compressible, and different everywhere.
std::string Text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "span " + std::to_string(i * 7919) + " ";
  text.resize(size);
  return text;
}

std::string ZlibGzip(std::string_view text, int window_bits = 31) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string ZlibGunzip(std::string_view bytes, std::size_t size) {
  z_stream stream{};
  inflateInit2(&stream, 47);
  std::string out(size + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(CompressTest, EveryEncodingGivesBackWhatWentInWithContextsReused) {
  Compressor compressor;
  Decompressor decompressor;
  for (const Encoding encoding : kEncodings) {
    for (const std::size_t size : {0u, 1u, 100u, 70000u, 3000000u}) {
      SCOPED_TRACE(testing::Message() << EncodingName(encoding) << " " << size);
      const std::string text = Text(size);
      const std::array<std::string_view, 3> pieces = {std::string_view(text).substr(0, size / 3),
                                                      "", std::string_view(text).substr(size / 3)};
      std::string packed, back;
      compressor.Compress(encoding, pieces, packed);
      EXPECT_EQ(decompressor.Decompress(encoding, packed, size, back), Outcome::kOk);
      EXPECT_EQ(back, text);
      if (size > 1000 && encoding != Encoding::kIdentity) {
        EXPECT_LT(packed.size(), size / 2);
      }
    }
  }
}

TEST(CompressTest, ZlibReadsOurGzipAndWeReadIts) {
  const std::string text = Text(500000);
  std::string packed, back;
  Compressor().Compress(Encoding::kGzip, text, packed);
  EXPECT_EQ(ZlibGunzip(packed, text.size()), text);
  Decompressor decompressor;
  EXPECT_EQ(decompressor.Decompress(Encoding::kGzip, ZlibGzip(text), text.size(), back),
            Outcome::kOk);
  EXPECT_EQ(back, text);
  EXPECT_EQ(decompressor.Decompress(Encoding::kDeflate, ZlibGzip(text, 15), text.size(), back),
            Outcome::kOk);
  EXPECT_EQ(back, text);
  EXPECT_EQ(decompressor.Decompress(Encoding::kDeflate, ZlibGzip(text, -15), text.size(), back),
            Outcome::kOk);
  EXPECT_EQ(back, text);
}

TEST(CompressTest, SeveralGzipMembersAreOneBody) {
  std::string back;
  const std::string body = ZlibGzip("first ") + ZlibGzip("second");
  EXPECT_EQ(Decompressor().Decompress(Encoding::kGzip, body, 100, back), Outcome::kOk);
  EXPECT_EQ(back, "first second");
  EXPECT_EQ(Decompressor().Decompress(Encoding::kGzip, body, 11, back), Outcome::kTooLarge);
}

TEST(CompressTest, ABombStopsAtTheLimit) {
  const std::string zeros(50u << 20, '\0');
  Compressor compressor;
  Decompressor decompressor;
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kZstd, Encoding::kDeflate}) {
    std::string bomb, out;
    compressor.Compress(encoding, zeros, bomb);
    EXPECT_LT(bomb.size(), 1u << 20);
    EXPECT_EQ(decompressor.Decompress(encoding, bomb, 1u << 20, out), Outcome::kTooLarge);
    EXPECT_LE(out.capacity(), 4u << 20);
    out.shrink_to_fit();
    EXPECT_EQ(decompressor.Decompress(encoding, bomb, zeros.size() - 1, out), Outcome::kTooLarge);
    EXPECT_EQ(decompressor.Decompress(encoding, bomb, zeros.size(), out), Outcome::kOk);
  }
}

TEST(CompressTest, CutsAndDamageAreInvalidNotACrash) {
  const std::string text = Text(20000);
  Compressor compressor;
  Decompressor decompressor;
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kZstd, Encoding::kDeflate}) {
    std::string packed, out;
    compressor.Compress(encoding, text, packed);
    for (std::size_t cut = 0; cut < packed.size(); cut += cut < 64 ? 1 : 97) {
      EXPECT_EQ(decompressor.Decompress(encoding, packed.substr(0, cut), 1 << 20, out),
                Outcome::kInvalid)
          << EncodingName(encoding) << " " << cut;
    }
    for (std::size_t at = 0; at < packed.size(); at += 13) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      const Outcome outcome = decompressor.Decompress(encoding, damaged, 1 << 20, out);
      if (encoding == Encoding::kGzip && outcome == Outcome::kOk) {
        EXPECT_EQ(out, text) << at;
      }
    }
    EXPECT_EQ(decompressor.Decompress(encoding, "not compressed at all", 1 << 20, out),
              Outcome::kInvalid);
    EXPECT_EQ(decompressor.Decompress(encoding, packed, 1 << 20, out), Outcome::kOk);
  }
}

TEST(CompressTest, NamesAreThoseOfHttp) {
  EXPECT_EQ(ParseEncoding("GZIP"), Encoding::kGzip);
  EXPECT_EQ(ParseEncoding(""), Encoding::kIdentity);
  EXPECT_EQ(ParseEncoding("zstd"), Encoding::kZstd);
  EXPECT_EQ(ParseEncoding("br"), std::nullopt);
  std::string packed;
  Compressor().Compress(Encoding::kZstd, "x", packed);
  EXPECT_EQ(DetectEncoding(packed), Encoding::kZstd);
  EXPECT_EQ(DetectEncoding(ZlibGzip("x")), Encoding::kGzip);
  EXPECT_EQ(DetectEncoding("\x0a\x10"), Encoding::kIdentity);
}

}  // namespace
}  // namespace wirespan::otlp
