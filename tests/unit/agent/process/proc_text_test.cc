#include "agent/process/proc_text.h"

#include <gtest/gtest.h>

namespace wirespan::process {
namespace {

constexpr std::string_view kTail = " S 7 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 10\n";

TEST(ProcTextTest, ReadsStatWithAnyNameInParentheses) {
  for (const std::string name : {"nginx", "a b", "x) S 3 (y", ")", "(", "))) R 0", ""}) {
    SCOPED_TRACE(name);
    const auto stat = ParseStat("42 (" + name + ")" + std::string(kTail));
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->comm, name);
    EXPECT_EQ(stat->parent_pid, 7u);
    EXPECT_EQ(stat->start_ticks, 99u);
  }
}

TEST(ProcTextTest, TellsWhoEnds) {
  const auto exiting = [](const std::string& state, const std::string& flags) {
    const auto stat = ParseStat("42 (x) " + state + " 7 1 1 0 -1 " + flags +
                                " 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 10\n");
    return stat && stat->exiting;
  };
  EXPECT_FALSE(exiting("S", "4194304"));
  EXPECT_FALSE(exiting("R", "rubbish"));
  EXPECT_TRUE(exiting("R", "4194308"));  // PF_EXITING
  EXPECT_TRUE(exiting("Z", "4194304"));
  EXPECT_TRUE(exiting("X", "0"));
}

TEST(ProcTextTest, RefusesCutStat) {
  const std::string whole = "42 (nginx)" + std::string(kTail);
  const std::size_t needed = whole.find(" 99 ") + 2;
  for (std::size_t cut = 0; cut < needed; ++cut)
    EXPECT_FALSE(ParseStat(whole.substr(0, cut))) << cut;
}

TEST(ProcTextTest, ReadsTheEffectiveUid) {
  EXPECT_EQ(ParseStatusInnerPid("Name:\tx\nNSpid:\t4711\t7\t1\nNSpgid:\t1\n"), 1u);
  EXPECT_EQ(ParseStatusInnerPid("Name:\tx\nNSpid:\t4711\n"), 4711u);
  EXPECT_EQ(ParseStatusInnerPid("Name:\tx\nNSpid:\tx\n"), 0u);
  EXPECT_EQ(ParseStatusInnerPid("Name:\tNSpid:\t1\n"), 0u);
  EXPECT_EQ(ParseStatusUid("Name:\tx\nUid:\t0\t33\t0\t0\n"), 33u);
  EXPECT_FALSE(ParseStatusUid("Name:\tUid:\t1\t2\n"));
  EXPECT_FALSE(ParseStatusUid("Name:\tx\nUid:\t0\n"));
}

TEST(ProcTextTest, SplitsArgumentsWithinBounds) {
  using std::string_literals::operator""s;
  EXPECT_EQ(SplitArguments("a\0\0b\0"s), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(SplitArguments("title\0\0\0\0"s), (std::vector<std::string>{"title"}));
  EXPECT_EQ(SplitArguments("cut"), (std::vector<std::string>{"cut"}));
  EXPECT_TRUE(SplitArguments("").empty());
  EXPECT_EQ(SplitArguments(std::string(1000, '\0') + "x").size(), 0u);
  EXPECT_EQ(SplitArguments("abcdef\0g"s, {.max_count = 5, .max_bytes_each = 3}),
            (std::vector<std::string>{"abc", "g"}));
}

std::string Environment() {
  using std::string_literals::operator""s;
  return "PATH=/bin\0OTEL_SERVICE_NAME=shop\0SECRET=OTEL_X=1\0OTEL_\0OTEL_A=\0xOTEL_B=1\0OTEL_C=a=b"s;
}

TEST(ProcTextTest, KeepsOnlyOtelVariablesAtEveryCutOfTheInput) {
  const Variables expected = {{"OTEL_SERVICE_NAME", "shop"}, {"OTEL_A", ""}, {"OTEL_C", "a=b"}};
  const std::string text = Environment();
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    OtelVariableReader reader;
    reader.Feed(std::string_view(text).substr(0, cut));
    reader.Feed(std::string_view(text).substr(cut));
    EXPECT_EQ(reader.Finish(), expected) << cut;
  }
}

TEST(ProcTextTest, BoundsTheEnvironment) {
  OtelVariableReader many;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "OTEL_V" + std::to_string(i) + "=x" + '\0';
  EXPECT_FALSE(many.Feed(text));
  EXPECT_EQ(many.Finish().size(), OtelVariableReader::kMaxVariables);

  OtelVariableReader large;
  for (int i = 0; i < 20; ++i) large.Feed("OTEL_V=" + std::string(100'000, 'x') + '\0');
  std::size_t total = 0;
  for (const auto& [name, value] : large.Finish()) {
    EXPECT_LE(value.size(), OtelVariableReader::kMaxValueBytes);
    total += value.size();
  }
  EXPECT_LE(total, OtelVariableReader::kMaxTotalBytes);
  EXPECT_GT(total, 0u);
}

TEST(ProcTextTest, ReadsResourceAttributes) {
  const Variables expected = {{"service.name", "a b"}, {"team", "x=y"}, {"e", ""}};
  EXPECT_EQ(ParseResourceAttributes("service.name=a%20b, team = x%3Dy ,broken,=v,e="), expected);
  EXPECT_EQ(ParseResourceAttributes("a=%zz%4"), (Variables{{"a", "%zz%4"}}));
  EXPECT_TRUE(ParseResourceAttributes("").empty());
  std::string many;
  for (int i = 0; i < 500; ++i) many += "k" + std::to_string(i) + "=v,";
  EXPECT_EQ(ParseResourceAttributes(many).size(), 64u);
}

}  // namespace
}  // namespace wirespan::process
