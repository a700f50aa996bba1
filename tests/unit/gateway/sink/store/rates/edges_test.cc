// Edges of both ends.
#include "gateway/sink/store/rates/edges.h"

#include <gtest/gtest.h>

#include "gateway/sink/store/rates/peer_book.h"
#include "gateway/sink/store/rates/share.h"

namespace wirespan::gateway::store::rates {
namespace {

Cell Calls(std::uint64_t count, std::uint64_t duration_ns = 1'000'000, bool error = false) {
  Cell cell;
  for (std::uint64_t i = 0; i < count; ++i) cell.Add(duration_ns, error);
  return cell;
}

class EdgesTest : public ::testing::Test {
 protected:
  void Add(SeriesType type, const std::string& name, std::uint64_t count) {
    sum_.Add({type, "shop", name, 0}, Calls(count));
  }
  std::string Told() const {
    std::string text;
    for (const Edge& edge : sum_.Edges()) {
      text += edge.client + (edge.observed ? " -> " : " -? ") + edge.server + " " +
              std::to_string(edge.cell.count) + "\n";
    }
    return text;
  }
  EdgeSum sum_{};
};

TEST_F(EdgesTest, ACallWhoseOtherEndCameIsToldOnce) {
  Add(SeriesType::kPeer, "cart:8080", 10);
  EXPECT_EQ(Told(), "shop -? cart:8080 10\n");
  Add(SeriesType::kPeerAnswer, PeerPair("cart:8080", "cart"), 10);
  Add(SeriesType::kEdge, "cart", 10);
  EXPECT_EQ(Told(), "shop -> cart 10\n");
}

TEST_F(EdgesTest, WhatIsLeftGoesWhereTheOthersWent) {
  Add(SeriesType::kPeer, "entry", 100);
  Add(SeriesType::kPeerAnswer, PeerPair("entry", "cart"), 9);
  Add(SeriesType::kEdge, "cart", 9);
  Add(SeriesType::kPeerAnswer, PeerPair("entry", "stock"), 1);
  Add(SeriesType::kEdge, "stock", 1);
  EXPECT_EQ(Told(), "shop -> cart 90\nshop -> stock 10\n");
}

TEST_F(EdgesTest, AServiceDoesNotCallItself) {
  Add(SeriesType::kPeer, "localhost:1", 5);
  Add(SeriesType::kPeerAnswer, PeerPair("localhost:1", "shop"), 1);
  EXPECT_EQ(Told(), "");
}

TEST_F(EdgesTest, ANameIsBetterThanAnAddress) {
  Add(SeriesType::kPeer, "10.0.0.7:80", 5);
  Add(SeriesType::kPeerName, PeerPair("10.0.0.7:80", "shop/cart"), 2);
  EXPECT_EQ(Told(), "shop -? shop/cart 5\n");
}

TEST_F(EdgesTest, OthersAreNobodyInParticular) {
  Add(SeriesType::kPeer, kOther, 5);
  Add(SeriesType::kPeerAnswer, PeerPair(kOther, "cart"), 2);
  Add(SeriesType::kEdge, "cart", 2);
  EXPECT_EQ(Told(), "shop -? (other) 3\nshop -> cart 2\n");
}

TEST_F(EdgesTest, OperationsAreNoEdges) {
  Add(SeriesType::kOperation, "GET", 5);
  EXPECT_EQ(Told(), "");
}

TEST(WithoutTest, TakesFromOtherBucketsWhatIsNotInTheSame) {
  Cell all = Calls(5, 1000);
  all.Merge(Calls(5, 100'000, true));
  Cell less = Calls(2, 100'000, true);
  less.Merge(Calls(2, 50));
  const Cell rest = Without(all, less);
  EXPECT_EQ(rest.count, 6u);
  EXPECT_EQ(rest.errors, 3u);
  EXPECT_EQ(rest.durations.count(), 6u);
  EXPECT_EQ(Without(less, all).count, 0u);
}

TEST(PeerBookTest, ACrawlersAddressesAreBounded) {
  PeerBook book(100);
  std::uint64_t other = 0;
  for (int i = 0; i < 1000; ++i) {
    if (book.Of("crawler", "site-" + std::to_string(i)) == kOther) ++other;
  }
  EXPECT_EQ(other, 1000u - 64);
  EXPECT_EQ(book.other(), other);
  EXPECT_EQ(book.Of("crawler", "site-3"), "site-3");
  EXPECT_EQ(book.Of("shop", "cart"), "cart");
}

TEST(ShareTest, EveryDurationGoesToOneCellOfItsTime) {
  Durations durations;
  durations.Add(700, 60);
  durations.Add(800, 1);
  for (const std::uint64_t length_s : {0, 1, 7, 60, 599, 601, 5000, 30000, 400000}) {
    const std::uint64_t from_ns = 1'700'000'004 * kNsPerS;
    const std::uint64_t to_ns = from_ns + length_s * kNsPerS;
    Durations sum;
    std::size_t cells = 0;
    ForEachShare(from_ns, to_ns, durations, [&](CellTime time, const Durations& share) {
      sum.Merge(share);
      ++cells;
      EXPECT_EQ(time.start_s % time.width_s, 0u);
      EXPECT_EQ(time.start_s / kWindowS, (time.start_s + time.width_s - 1) / kWindowS);
      EXPECT_LE(time.start_s * kNsPerS, to_ns);
      EXPECT_GT((time.start_s + time.width_s) * kNsPerS, from_ns);
    });
    EXPECT_EQ(sum, durations) << length_s;
    EXPECT_LE(cells, 400u);
  }
  std::map<CellTime, std::uint64_t> minute;
  ForEachShare(1'700'000'400 * kNsPerS, 1'700'000'460 * kNsPerS, durations,
               [&](CellTime time, const Durations& share) { minute[time] = share.count(); });
  ASSERT_EQ(minute.size(), 6u);
  for (const auto& [time, count] : minute) EXPECT_NEAR(static_cast<double>(count), 10.1, 1.0);
}

}  // namespace
}  // namespace wirespan::gateway::store::rates
