#include "gateway/query/form.h"

#include <gtest/gtest.h>

namespace wirespan::gateway::query {
namespace {

TEST(FormTest, ReadsWhatBrowsersSend) {
  const Form form("service=my+shop%2Fa&empty=&tag=a%3A1&tag=b:2&lonely&&bad=%zz%4");
  EXPECT_EQ(form.Get("service"), "my shop/a");
  EXPECT_EQ(form.Get("empty"), "");
  EXPECT_EQ(form.Get("missing"), "");
  EXPECT_EQ(form.All("tag"), (std::vector<std::string_view>{"a:1", "b:2"}));
  EXPECT_EQ(form.All("lonely"), std::vector<std::string_view>{""});
  EXPECT_EQ(form.Get("bad"), "%zz%4");
}

TEST(FormTest, ReadsGosDurations) {
  EXPECT_EQ(ParseGoDuration("1h15m"), 4500ull * 1000000000);
  EXPECT_EQ(ParseGoDuration("1.5s"), 1500000000u);
  EXPECT_EQ(ParseGoDuration("300ms"), 300000000u);
  EXPECT_EQ(ParseGoDuration("7us"), 7000u);
  EXPECT_EQ(ParseGoDuration("7\xc2\xb5s"), 7000u);
  EXPECT_EQ(ParseGoDuration("100ns"), 100u);
  EXPECT_EQ(ParseGoDuration("0"), 0u);
  for (const char* bad : {"", "5", "ms", "-1s", "1x", "1s2", "1e3s", "99999999999h", "1..2s"}) {
    EXPECT_FALSE(ParseGoDuration(bad)) << bad;
  }
}

TEST(FormTest, ReadsTagsOfTextsAlone) {
  EXPECT_EQ(ParseTagsJson(R"({"error":"true", "a\"b":"\u00e4"})"),
            (Tags{{"error", "true"}, {"a\"b", "\xc3\xa4"}}));
  EXPECT_EQ(ParseTagsJson("{}"), Tags{});
  for (const char* bad : {"", "[]", R"({"a":1})", R"({"a":"b"}x)", R"({"a":"b",})", R"({"a")"}) {
    EXPECT_FALSE(ParseTagsJson(bad)) << bad;
  }
}

}  // namespace
}  // namespace wirespan::gateway::query
