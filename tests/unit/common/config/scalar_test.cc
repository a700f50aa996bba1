#include "common/config/scalar.h"

#include <gtest/gtest.h>

#include "common/config/secret.h"

namespace wirespan::config {
namespace {

using namespace std::chrono_literals;

TEST(DurationTest, ReadsWhatGoReads) {
  EXPECT_EQ(*ParseDuration("1.5s"), 1500ms);
  EXPECT_EQ(*ParseDuration("200ms"), 200ms);
  EXPECT_EQ(*ParseDuration("1h30m"), 90min);
  EXPECT_EQ(*ParseDuration("1m0.25s"), 60250ms);
  EXPECT_EQ(*ParseDuration("3us"), 3us);
  EXPECT_EQ(*ParseDuration("3\xC2\xB5s"), 3us);
  EXPECT_EQ(*ParseDuration("7ns"), 7ns);
  EXPECT_EQ(*ParseDuration("0"), 0ns);
  EXPECT_EQ(*ParseDuration("-2s"), -2s);
  EXPECT_EQ(*ParseDuration(".5s"), 500ms);
  EXPECT_EQ(*ParseDuration("9007199254740993ns"), std::chrono::nanoseconds(9007199254740993));
}

TEST(DurationTest, RefusesTheRestInASentence) {
  for (const char* bad :
       {"", "5", "s", "1.s.s", "5 s", "5d", "1h30", "five", "-", ".s", "1e3s", "99999999999h"}) {
    EXPECT_FALSE(ParseDuration(bad).has_value()) << bad;
  }
  EXPECT_EQ(ParseDuration("5").error().message,
            "expected a duration such as 5s, 250ms or 1h30m, not \"5\" (the unit is missing)");
}

TEST(DurationTest, FormatsSoThatItCanBeReadAgain) {
  for (const auto duration :
       {0ns, 1ns, 1'500'000'000ns, 5'400'000'000'000ns, 90'061'001'001'001ns, -250'000'000ns}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration) << FormatDuration(duration);
  }
  EXPECT_EQ(FormatDuration(90s), "1m30s");
}

TEST(SizeTest, ReadsBothKindsOfUnits) {
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  EXPECT_EQ(*ParseSize("64MiB"), 64u << 20);
  EXPECT_EQ(*ParseSize("64Mi"), 64u << 20);
  EXPECT_EQ(*ParseSize("512k"), 512'000u);
  EXPECT_EQ(*ParseSize("1.5 GiB"), 1610612736u);
  EXPECT_EQ(*ParseSize("2TiB"), 2ull << 40);
  EXPECT_EQ(*ParseSize("1GB"), 1'000'000'000u);
  for (const char* bad : {"", "MiB", "-1", "1x", "1 Mi B", "99999999999TiB", "1e3"}) {
    EXPECT_FALSE(ParseSize(bad).has_value()) << bad;
  }
}

TEST(NumberTest, ReadsWholeNumbersAndBooleansStrictly) {
  EXPECT_EQ(*ParseInteger("-12"), -12);
  EXPECT_EQ(*ParseInteger("0x1F"), 31);
  EXPECT_EQ(*ParseInteger("0o17"), 15);
  EXPECT_EQ(*ParseInteger("9223372036854775807"), INT64_MAX);
  for (const char* bad :
       {"", "-", "1.0", "9223372036854775808", "99999999999999999999", "0x", "1_000", "--1"}) {
    EXPECT_FALSE(ParseInteger(bad).has_value()) << bad;
  }
  EXPECT_TRUE(*ParseBool("true"));
  EXPECT_FALSE(ParseBool("yes").has_value());
  EXPECT_EQ(*ParseNumber("0.25"), 0.25);
  EXPECT_FALSE(ParseNumber(".nan").has_value());
}

TEST(SecretTest, PrintsNothingOfItself) {
  const SecretString secret("hunter2");
  EXPECT_EQ(fmt::format("{}", secret), "[REDACTED]");
  EXPECT_EQ(::testing::PrintToString(secret), "[REDACTED]");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

}  // namespace
}  // namespace wirespan::config
