#include "gateway/sink/store/term_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace wirespan::gateway::store {
namespace {

struct Indexed {
  std::map<Term, std::set<std::uint32_t>> expected{};
  EncodedTerms encoded{};
};

Indexed RandomTerms(std::size_t count, std::uint32_t pages) {
  std::mt19937 random(7);
  Indexed indexed;
  std::vector<TermEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    const Term term = random() % 3 == 0 ? random() % 100 : random();
    const std::uint32_t page = random() % pages;
    entries.push_back({term, page});
    indexed.expected[term].insert(page);
  }
  indexed.encoded = EncodeTerms(entries);
  return indexed;
}

Pages Find(const TermDirectory& directory, std::string_view buckets, Term term) {
  const auto range = directory.BucketOf(term);
  return directory.Find(term, buckets.substr(range.at, range.bytes), 300).value_or(Pages{999});
}

TEST(TermIndexTest, FindsThePagesOfEveryTermAndNoneOfOthers) {
  for (const std::size_t count : {0u, 1u, 50u, 20000u}) {
    SCOPED_TRACE(count);
    const Indexed indexed = RandomTerms(count, 300);
    const auto& [directory_bytes, buckets] = indexed.encoded;
    const auto directory = TermDirectory::Decode(directory_bytes, buckets.size());
    ASSERT_TRUE(directory);
    for (const auto& [term, pages] : indexed.expected) {
      EXPECT_EQ(Find(*directory, buckets, term), Pages(pages.begin(), pages.end()));
    }
    std::mt19937 random(8);
    for (int i = 0; i < 1000; ++i) {
      const Term term = random();
      if (!indexed.expected.contains(term)) {
        EXPECT_TRUE(Find(*directory, buckets, term).empty());
      }
    }
  }
}

TEST(TermIndexTest, AChangedBucketIsToldAndNeverAnsweredFrom) {
  const Indexed indexed = RandomTerms(400, 300);
  const auto directory =
      TermDirectory::Decode(indexed.encoded.directory, indexed.encoded.buckets.size());
  ASSERT_TRUE(directory);
  const Term term = indexed.expected.begin()->first;
  const auto range = directory->BucketOf(term);
  std::string bucket = indexed.encoded.buckets.substr(range.at, range.bytes);
  for (char& byte : bucket) {
    byte = static_cast<char>(byte ^ 4);
    EXPECT_FALSE(directory->Find(term, bucket, 300));
    byte = static_cast<char>(byte ^ 4);
  }
}

TEST(TermIndexTest, ADirectoryThatIsCutIsRefused) {
  const Indexed indexed = RandomTerms(5000, 300);
  const std::string& whole = indexed.encoded.directory;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_FALSE(TermDirectory::Decode(whole.substr(0, cut), indexed.encoded.buckets.size()));
  }
}

}  // namespace
}  // namespace wirespan::gateway::store
