#include "common/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "common/base/strings.h"
#include "tests/support/fake_clock.h"

namespace wirespan::log {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  void TearDown() override { Configure({}); }
  template <class Work>
  static std::string Captured(Work work) {
    ::testing::internal::CaptureStderr();
    work();
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesOneLineWithUtcTime) {
  Configure({});
  EXPECT_THAT(
      Captured([] { Info("exporter: {} unreachable", "example:4317"); }),
      MatchesRegex(
          "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z INFO  exporter: "
          "example:4317 unreachable\n"));
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevel) {
  Configure({.level = Level::kWarn});
  const std::string out = Captured([] {
    Debug("no");
    Info("no");
    Warn("first");
    LogError("second");
  });
  EXPECT_THAT(out, HasSubstr("WARN  first\n"));
  EXPECT_THAT(out, HasSubstr("ERROR second\n"));
  EXPECT_THAT(out, Not(HasSubstr("no")));
}

TEST_F(LogTest, KeepsHostileTextOnOneLine) {
  Configure({});
  const std::string out = Captured([] { Write(Level::kInfo, "a\nb\r\x1b[31m\xff{}%v"); });
  EXPECT_THAT(out, HasSubstr("a\\nb\\r\\x1b[31m\xEF\xBF\xBD{}%v\n"));
  EXPECT_EQ(Split(out, '\n').size(), 2u);
}

TEST_F(LogTest, WritesJsonLines) {
  Configure({.json = true});
  const std::string out = Captured([] { Write(Level::kWarn, "say \"hi\"\n\\ \x01"); });
  EXPECT_THAT(
      out,
      MatchesRegex("\\{\"time\":\"[-0-9:.TZ]+\",\"level\":\"warn\",\"message\":\"say .*\"\\}\n"));
  EXPECT_THAT(out, HasSubstr(R"(say \"hi\"\n\\ \u0001)"));
}

TEST_F(LogTest, WritesToFilesWithFieldsOnEveryLine) {
  char file[] = "/tmp/wirespan-log-XXXXXX";
  ::close(::mkstemp(file));
  Configure({.json = true, .outputs = {file}, .fields = {{"cluster", "ea\"st"}}});
  EXPECT_EQ(Captured([] { Info("one"); }), "");
  Configure({.outputs = {file, "stderr"}, .fields = {{"cluster", "west"}}});
  EXPECT_THAT(Captured([] { Info("two"); }), HasSubstr("INFO  two cluster=west\n"));
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  EXPECT_THAT(text, HasSubstr(R"("message":"one","cluster":"ea\"st"})"));
  EXPECT_THAT(text, HasSubstr("INFO  two cluster=west\n"));
  ::unlink(file);
}

TEST_F(LogTest, AFileThatCannotBeWrittenIsToldOnStandardError) {
  const std::string out = Captured([] {
    Configure({.outputs = {"/dev/null/log"}});
    Info("still here");
  });
  EXPECT_THAT(out, HasSubstr("log: /dev/null/log can't be written to"));
  EXPECT_THAT(out, HasSubstr("still here"));
}

TEST_F(LogTest, WritesAnIncidentOnceAMinuteAndCountsTheRest) {
  testing::FakeClock clock;
  Configure({.clock = &clock});
  const std::string out = Captured([&] {
    for (int i = 0; i < 5; ++i) WriteLimited(Level::kWarn, "test-incident", "ring full");
    WriteLimited(Level::kWarn, "test-other", "map full");
    clock.Advance(59'000'000'000);
    WriteLimited(Level::kWarn, "test-incident", "ring full");
    clock.Advance(1'000'000'000);
    WriteLimited(Level::kWarn, "test-incident", "ring full");
  });
  const auto lines = Split(out, '\n');
  ASSERT_EQ(lines.size(), 4u) << out;
  EXPECT_THAT(lines[0], HasSubstr("ring full"));
  EXPECT_THAT(lines[1], HasSubstr("map full"));
  EXPECT_THAT(lines[2], HasSubstr("ring full (and 5 more like it since the last line)"));
}

TEST_F(LogTest, AFloodOfKeysIsForgottenNotKept) {
  testing::FakeClock clock;
  Configure({.clock = &clock});
  const std::string out = Captured([] {
    for (int i = 0; i < 5000; ++i) WriteLimited(Level::kInfo, "flood-" + std::to_string(i), "x");
  });
  EXPECT_EQ(Split(out, '\n').size(), 5001u);
}

TEST_F(LogTest, ThreadsDoNotMixTheirLines) {
  Configure({});
  const std::string out = Captured([] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 200; ++i) {
          Info("thread {} {}", t, std::string(100, 'x'));
          if (i % 50 == 0) Configure({});
        }
      });
    }
  });
  const auto lines = Split(out, '\n');
  ASSERT_EQ(lines.size(), 801u);
  for (std::size_t i = 0; i < 800; ++i) {
    EXPECT_TRUE(lines[i].ends_with(std::string(100, 'x'))) << lines[i];
    EXPECT_EQ(lines[i].size(), lines[0].size());
  }
}

TEST_F(LogTest, ParsesLevels) {
  EXPECT_EQ(*ParseLevel("WARN"), Level::kWarn);
  EXPECT_EQ(*ParseLevel("debug"), Level::kDebug);
  EXPECT_THAT(ParseLevel("loud").error().message, HasSubstr("unknown log level \"loud\""));
}

}  // namespace
}  // namespace wirespan::log
