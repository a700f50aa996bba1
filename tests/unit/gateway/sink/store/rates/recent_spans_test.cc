#include "gateway/sink/store/rates/recent_spans.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

namespace wirespan::gateway::store::rates {
namespace {

class RecentSpansTest : public ::testing::Test {
 protected:
  RecentSpans::Visit Count() {
    return [this](const Call& call) {
      ++calls_[{std::string(call.client), std::string(call.server)}];
      last_duration_ns_ = call.duration_ns;
    };
  }
  void Parent(std::uint64_t span, const std::string& service, std::uint64_t now_ns = 1) {
    recent_.AddSpan({{1, 1}, span, 3}, service, now_ns, Count());
  }
  void Child(std::uint64_t parent, const std::string& service) {
    recent_.AddChild({1, 1}, {.parent = parent, .start_ns = 5, .duration_ns = 77, .error = true},
                     service, Count());
  }
  using Calls = std::map<std::pair<std::string, std::string>, int>;

  RecentSpans recent_{100};
  Calls calls_{};
  std::uint64_t last_duration_ns_ = 0;
};

TEST_F(RecentSpansTest, TheOrderOfItsEndsIsFree) {
  Parent(1, "shop");
  Child(1, "cart");
  Child(2, "cart");
  EXPECT_EQ(calls_, (Calls{{{"shop", "cart"}, 1}}));
  Parent(2, "shop");
  EXPECT_EQ(calls_, (Calls{{{"shop", "cart"}, 2}}));
  EXPECT_EQ(last_duration_ns_, 77u);  // of the span that was called
}

TEST_F(RecentSpansTest, EveryChildOfAParentIsACall) {
  Child(1, "cart");
  Child(1, "stock");
  Child(1, "cart");
  Parent(1, "shop");
  Child(1, "stock");
  EXPECT_EQ(calls_, (Calls{{{"shop", "cart"}, 2}, {{"shop", "stock"}, 2}}));
}

TEST_F(RecentSpansTest, AServiceDoesNotCallItself) {
  Parent(1, "shop");
  Child(1, "shop");
  Child(2, "shop");
  Parent(2, "shop");
  EXPECT_TRUE(calls_.empty());
}

TEST_F(RecentSpansTest, TracesDoNotMix) {
  recent_.AddSpan({{2, 2}, 1, 3}, "shop", 1, Count());
  Child(1, "cart");
  EXPECT_TRUE(calls_.empty());
}

TEST_F(RecentSpansTest, TheOldestAreForgottenAndCounted) {
  Child(1000, "cart");
  for (std::uint64_t span = 1; span <= 60; ++span) Parent(span, "shop");  // a generation has 50
  Parent(1000, "shop");  // still waited for, by the one before
  EXPECT_EQ(calls_, (Calls{{{"shop", "cart"}, 1}}));
  Child(2000, "cart");
  for (std::uint64_t span = 100; span <= 220; ++span) Parent(span, "shop");
  EXPECT_EQ(recent_.forgotten(), 1u);
  Parent(2000, "shop");
  EXPECT_EQ(calls_, (Calls{{{"shop", "cart"}, 1}}));
}

TEST_F(RecentSpansTest, KnowsWhatCame) {
  Parent(1, "shop");
  EXPECT_TRUE(recent_.Holds({{1, 1}, 1, 3}));
  EXPECT_FALSE(recent_.Holds({{1, 1}, 1, 2}));  // the other end, of the same id
  EXPECT_FALSE(recent_.Holds({{1, 2}, 1, 3}));
  for (std::uint64_t span = 100; span < 160; ++span) Parent(span, "shop");
  EXPECT_TRUE(recent_.Holds({{1, 1}, 1, 3}));
  for (std::uint64_t span = 200; span < 260; ++span) Parent(span, "shop");
  EXPECT_FALSE(recent_.Holds({{1, 1}, 1, 3}));
}

TEST_F(RecentSpansTest, TimeEndsAGenerationToo) {
  constexpr std::uint64_t kMinute = 60'000'000'000;
  Parent(1, "shop", 1);
  Parent(2, "shop", kMinute + 2);
  Child(1, "cart");
  EXPECT_EQ(calls_.size(), 1u);
  Parent(3, "shop", 2 * kMinute + 4);
  Child(1, "stock");
  EXPECT_EQ(calls_.size(), 1u);
  Child(2, "stock");
  EXPECT_EQ(calls_.size(), 2u);
}

}  // namespace
}  // namespace wirespan::gateway::store::rates
