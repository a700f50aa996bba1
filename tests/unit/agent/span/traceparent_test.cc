#include "agent/span/traceparent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "agent/span/identity.h"

namespace wirespan::span {
namespace {

constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceparentTest, ReadsVersionZero) {
  const auto parsed = ParseTraceparent(kGood);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(Hex(parsed->trace_id), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(Hex(parsed->parent_id), "b7ad6b7169203331");
  EXPECT_TRUE(parsed->sampled());
  EXPECT_FALSE(
      ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe")->sampled());
  EXPECT_TRUE(ParseTraceparent("  00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t"));
}

TEST(TraceparentTest, ReadsLaterVersionsByTheirFirstFields) {
  EXPECT_TRUE(ParseTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  EXPECT_TRUE(
      ParseTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes"));
  EXPECT_FALSE(ParseTraceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"));
}

TEST(TraceparentTest, RefusesWhatIsNotOne) {
  for (const char* text : {
           "",
           "00",
           "-",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "0G-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
           "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,00-"
           "0af7651916cd43dd8448eb211c80319c",
       }) {
    EXPECT_FALSE(ParseTraceparent(text)) << text;
  }
}

TEST(TraceparentTest, RefusesEveryCutAndEveryForeignByte) {
  for (std::size_t cut = 0; cut < kGood.size(); ++cut) {
    EXPECT_FALSE(ParseTraceparent(kGood.substr(0, cut))) << cut;
    for (const char c : {'\0', 'x', 'A', '\xff', ' '}) {
      std::string text(kGood);
      if (text[cut] == c) continue;
      text[cut] = c;
      // A blank at either end only shortens it.
      EXPECT_FALSE(ParseTraceparent(text)) << cut << " " << static_cast<int>(c);
    }
  }
}

TEST(TracestateTest, KeepsWholeMembersWithinTheBound) {
  EXPECT_EQ(BoundedTracestate(" a=1,b@c=2 "), "a=1,b@c=2");
  EXPECT_EQ(BoundedTracestate("a=1,,b=2"), "a=1,,b=2");
  EXPECT_EQ(BoundedTracestate("A=1"), "");
  EXPECT_EQ(BoundedTracestate("a"), "");
  EXPECT_EQ(BoundedTracestate("a=\x01"), "");
  const std::string member = "k=" + std::string(250, 'v');
  EXPECT_EQ(BoundedTracestate(member + ",l" + member.substr(1) + ",m=1").size(),
            2 * member.size() + 1 + 4);
  EXPECT_EQ(BoundedTracestate(member + "," + member + "," + member), member + "," + member);
  std::string many = "a0=1";
  for (int i = 1; i < 40; ++i) many += ",a" + std::to_string(i) + "=1";
  const auto bounded = BoundedTracestate(many);
  EXPECT_EQ(std::count(bounded.begin(), bounded.end(), ','), 31);
}

}  // namespace
}  // namespace wirespan::span
