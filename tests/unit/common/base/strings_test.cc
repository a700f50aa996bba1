#include "common/base/strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wirespan {
namespace {

using ::testing::ElementsAre;

TEST(StringsTest, SplitsAndTrims) {
  EXPECT_THAT(Split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
  EXPECT_THAT(SplitList(" a , ,b\t,"), ElementsAre("a", "b"));
  EXPECT_EQ(TrimAscii(" \t x y\r\n"), "x y");
  EXPECT_EQ(TrimAscii(" \n"), "");
}

TEST(StringsTest, ComparesAsciiWithoutCase) {
  EXPECT_TRUE(EqualsIgnoreCase("Content-Type", "content-TYPE"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));
  EXPECT_TRUE(StartsWithIgnoreCase("Bearer x", "bearer "));
  EXPECT_EQ(AsciiUpper("aZ1"), "AZ1");
}

TEST(StringsTest, ParsesWholeNumbersOnly) {
  EXPECT_EQ(ParseUint("18446744073709551615"), 18446744073709551615u);
  for (const char* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1x", "0x1"}) {
    EXPECT_FALSE(ParseUint(bad).has_value()) << bad;
  }
  EXPECT_EQ(ParseInt("-5"), -5);
  EXPECT_EQ(ParseHex("fF"), 255u);
  EXPECT_EQ(ParseDouble("1.5e3"), 1500.0);
  for (const char* bad : {"", "nan", "inf", "1e999", "1.5x"})
    EXPECT_FALSE(ParseDouble(bad).has_value()) << bad;
}

TEST(StringsTest, EncodesBase64) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64("\xff\xfe"), "//4=");
}

TEST(Utf8Test, RepairsWhatIsIllFormedAndKeepsTheRest) {
  EXPECT_EQ(ToUtf8("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(ToUtf8("a\xFFz"), "a\xEF\xBF\xBDz");
  // Overlong, surrogate, too high, cut short.
  for (const std::string_view bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_TRUE(IsUtf8(ToUtf8(bad)));
  }
  EXPECT_TRUE(IsUtf8("\xF0\x9F\x98\x80"));
}

TEST(Utf8Test, TruncatesBetweenCodePoints) {
  const std::string_view text =
      "a\xE2\x82\xAC"
      "b";
  EXPECT_EQ(TruncateUtf8(text, 3), "a");
  EXPECT_EQ(TruncateUtf8(text, 4), "a\xE2\x82\xAC");
  EXPECT_EQ(TruncateUtf8(text, 99), text);
  EXPECT_EQ(TruncateUtf8(text, 0), "");
}

TEST(NearestTest, FindsTheKeyThatWasMeant) {
  const std::vector<std::string_view> keys = {"endpoint", "receivers", "exporters", "tls"};
  EXPECT_EQ(Nearest("recievers", keys), "receivers");
  EXPECT_EQ(Nearest("End_point", keys), "endpoint");
  EXPECT_EQ(Nearest("tsl", keys), "tls");
  EXPECT_EQ(Nearest("banana", keys), std::nullopt);
  EXPECT_EQ(Nearest(std::string(10'000, 'x'), keys), std::nullopt);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("ab", "ba"), 1u);
}

}  // namespace
}  // namespace wirespan
