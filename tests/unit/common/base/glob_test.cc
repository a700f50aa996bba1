#include "common/base/glob.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wirespan {
namespace {

bool Match(std::string_view pattern, std::string_view text) {
  auto glob = Glob::Compile(pattern);
  EXPECT_TRUE(glob.has_value()) << pattern;
  return glob && glob->Matches(text);
}

TEST(GlobTest, MatchesAsWritten) {
  struct Case {
    std::string_view pattern;
    std::string_view text;
    bool matches;
  };
  const Case kCases[] = {
      {"", "", true},
      {"", "a", false},
      {"nginx", "nginx", true},
      {"nginx", "nginx2", false},
      {"*", "", true},
      {"*", "/usr/bin/x", true},
      {"/usr/*/python3*", "/usr/local/bin/python3.11", true},
      {"/usr/*/python3*", "/usr/python3", false},
      {"a*b*c", "aXXbYYbc", true},
      {"a*b*c", "aXXbYYb", false},
      {"?", "", false},
      {"??", "ab", true},
      {"[a-c]x", "bx", true},
      {"[a-c]x", "dx", false},
      {"[!a-c]x", "dx", true},
      {"[^a-c]x", "ax", false},
      {"[]]", "]", true},
      {"[a-]", "-", true},
      {"[\\]]", "]", true},
      {"\\*", "*", true},
      {"\\*", "x", false},
      {"**", "anything", true},
      {"*.jar", "app.jar.bak", false},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Match(one.pattern, one.text), one.matches) << one.pattern << " ~ " << one.text;
  }
}

TEST(GlobTest, RefusesWhatIsNoPattern) {
  for (const std::string_view bad : {"[", "[a", "[]", "a\\", "[a\\"}) {
    EXPECT_FALSE(Glob::Compile(bad).has_value()) << bad;
  }
  EXPECT_FALSE(Glob::Compile(std::string(5000, 'a')).has_value());
}

TEST(GlobTest, ManyStarsCostNoMoreThanTheProductOfLengths) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  pattern += "b";
  const std::string text(20'000, 'a');
  EXPECT_FALSE(Match(pattern, text));  // exponential matchers never come back from this
}

TEST(GlobTest, KnowsLiterals) {
  EXPECT_TRUE(Glob::Compile("a\\*b")->literal());
  EXPECT_EQ(Glob::Compile("a\\*b")->literal_text(), "a*b");
  EXPECT_FALSE(Glob::Compile("a?")->literal());
}

TEST(GlobSetTest, MatchesAnyOfItsPatterns) {
  auto set = GlobSet::Compile({"nginx", "java*"});
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(set->Matches("java17"));
  EXPECT_FALSE(set->Matches("python"));
  EXPECT_FALSE(GlobSet().Matches(""));
  EXPECT_FALSE(GlobSet::Compile({"a", "["}).has_value());
}

}  // namespace
}  // namespace wirespan
