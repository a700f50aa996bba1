#include "gateway/sink/store/trace_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace wirespan::gateway::store {
namespace {

TEST(TraceFilterTest, HoldsEveryTermAndFewOthers) {
  std::mt19937 random(3);
  for (const std::size_t count : {0u, 1u, 5u, 100u, 20000u}) {
    SCOPED_TRACE(count);
    std::vector<Term> terms(count);
    for (Term& term : terms) term = random();
    const auto filter = TraceFilter::Decode(TraceFilter(terms).Encode());
    ASSERT_TRUE(filter);
    for (const Term term : terms) ASSERT_TRUE(filter->MayHold(term));
    int others = 0;
    for (int i = 0; i < 10000; ++i) others += filter->MayHold(random()) ? 1 : 0;
    EXPECT_LT(others, 400);
  }
}

TEST(TraceFilterTest, IsTheSameInEveryProgram) {
  const std::vector<Term> terms{1, 0x80000000, 0xffffffff};
  EXPECT_EQ(TraceFilter(terms).Encode().size(), 8u);
  TraceFilter filter(terms);
  std::string hex;
  for (const char byte : filter.Encode()) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  EXPECT_EQ(hex, "408080a000029c18");
}

TEST(TraceFilterTest, BytesThatAreNoneAreRefused) {
  EXPECT_FALSE(TraceFilter::Decode(""));
  EXPECT_FALSE(TraceFilter::Decode("1234567"));
  EXPECT_FALSE(TraceFilter::Decode("123456789"));
}

}  // namespace
}  // namespace wirespan::gateway::store
