#include "gateway/pipeline/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wirespan::gateway {
namespace {

using testing::ElementsAre;
using Entries = std::vector<Metadata::Entry>;

TEST(MetadataTest, LowersSortsAndJoinsKeys) {
  const Metadata metadata(
      Entries{{"X-Tenant", {"b"}}, {"Accept", {"*"}}, {"x-tenant", {"a", "c"}}});
  ASSERT_EQ(metadata.entries().size(), 2u);
  EXPECT_EQ(metadata.entries()[0].key, "accept");
  ASSERT_NE(metadata.Find("x-tenant"), nullptr);
  EXPECT_THAT(*metadata.Find("x-tenant"), ElementsAre("b", "a", "c"));
  EXPECT_EQ(metadata.Find("x-tenan"), nullptr);
  EXPECT_EQ(metadata.Find("zz"), nullptr);
}

TEST(MetadataTest, ComparesAndHashesByContent) {
  const Metadata a(Entries{{"k", {"a", "bc"}}});
  const Metadata b(Entries{{"K", {"a", "bc"}}});
  const Metadata c(Entries{{"k", {"ab", "c"}}});
  const Metadata d(Entries{{"k", {"abc"}}});
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_FALSE(a == c);
  EXPECT_NE(a.hash(), c.hash());
  EXPECT_NE(a.hash(), d.hash());
}

TEST(MetadataTest, SelectsTheKeysAskedFor) {
  const Metadata all(Entries{{"authorization", {"secret"}}, {"x-tenant", {"a"}}});
  EXPECT_EQ(all.Select({"x-tenant", "absent"}), Metadata(Entries{{"x-tenant", {"a"}}}));
  EXPECT_TRUE(all.Select({}).entries().empty());
}

TEST(MetadataTest, NothingLeftIsTheSameAsNoneAtAll) {
  const auto all = std::make_shared<const Metadata>(Entries{{"a", {"1"}}, {"b", {"2"}}});
  EXPECT_EQ(Narrowed(all, {"absent"}), nullptr);
  EXPECT_EQ(Narrowed(all, {}), nullptr);
  EXPECT_EQ(Narrowed(nullptr, {"a"}), nullptr);
  EXPECT_EQ(Narrowed(all, {"b", "a"}), all);  // not copied
  EXPECT_TRUE(
      SameMetadata(Narrowed(all, {"a"}), std::make_shared<const Metadata>(Entries{{"a", {"1"}}})));
  EXPECT_FALSE(SameMetadata(all, nullptr));
}

TEST(MetadataTest, FromContextNamesHeadersAndWhatAuthenticatorsKnow) {
  EXPECT_EQ(MetadataKeyOf("X-Tenant"), "x-tenant");
  EXPECT_EQ(MetadataKeyOf("metadata.X-Tenant"), "x-tenant");
  EXPECT_EQ(MetadataKeyOf("auth.username"), ":auth.username");
}

}  // namespace
}  // namespace wirespan::gateway
