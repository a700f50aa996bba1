#include "agent/protocol/hpack/huffman.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/protocol/hpack/oracle.h"

namespace wirespan::hpack {
namespace {

std::string Decoded(std::string_view input) {
  std::string out;
  return DecodeHuffman(input, out) ? out : "(invalid)";
}

TEST(HuffmanTest, DecodesTheExamplesOfTheRfc) {
  EXPECT_EQ(Decoded("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), "www.example.com");
  EXPECT_EQ(Decoded("\xa8\xeb\x10\x64\x9c\xbf"), "no-cache");
  EXPECT_EQ(Decoded(""), "");
}

// The encoder takes the code where it is shorter than the text: one octet among many short ones.
TEST(HuffmanTest, DecodesEveryOctetAsTheOracleEncodesIt) {
  for (int octet = 0; octet < 256; ++octet) {
    SCOPED_TRACE(octet);
    const std::string text = std::string(20, 'a') + static_cast<char>(octet) + std::string(20, 'e');
    testing::Encoder encoder;
    const std::string block = encoder.Encode({{"x", text, true}});
    ASSERT_EQ(block[3], '\x80' | static_cast<char>(block.size() - 4)) << "coded";
    EXPECT_EQ(Decoded(std::string_view(block).substr(4)), text);
  }
}

TEST(HuffmanTest, RefusesBadPadding) {
  EXPECT_EQ(Decoded("\x1f"), "a");              // 00011 111
  EXPECT_EQ(Decoded("\x1e"), "(invalid)");      // zeros in it
  EXPECT_EQ(Decoded("\x1f\xff"), "(invalid)");  // longer than 7 bits
  EXPECT_EQ(Decoded("\xff"), "(invalid)");
  EXPECT_EQ(Decoded("\xff\xff\xff\xff"), "(invalid)");          // the end-of-string symbol
  EXPECT_EQ(Decoded("\xff\xff\xff\xff\xff\xff"), "(invalid)");  // and padding after it
}

}  // namespace
}  // namespace wirespan::hpack
