// The rates of a store against what was written to it, through blocks, restarts and power losses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "gateway/sink/store/trace_store.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::store {
namespace {

using queue::testing::UnsyncedFolder;
using rates::Cell;
using rates::CellTime;
using rates::SeriesKey;
using rates::SeriesType;
using testing::kStartNs;
using testing::TestSpan;

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kStartS = kStartNs / kNsPerS;

using Sums = std::map<SeriesKey, Cell>;

class StoreRatesTest : public ::testing::Test {
 protected:
  void Open(std::size_t block_spans = 50) {
    store_.reset();
    auto opened = TraceStore::Open(folder_->Mount(),
                                   {.directory = "test",
                                    .max_disk_bytes = 64u << 20,
                                    .max_age = std::chrono::milliseconds(0),
                                    .block_spans = block_spans,
                                    .page_spans = 8},
                                   clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void Write(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(testing::Request(spans), [&](Result<> result) { written.set_value(result); });
    const auto result = written.get_future().get();
    ASSERT_TRUE(result) << result.error().message;
  }
  Sums Read(std::uint64_t first_s = 0, std::uint64_t last_s = ~std::uint64_t{0} / kNsPerS) {
    Sums sums;
    EXPECT_TRUE(store_->VisitRates(
        first_s, last_s, nullptr,
        [&](const SeriesKey& key, CellTime, const Cell& cell) { sums[key].Merge(cell); }));
    return sums;
  }
  // Polls, for blocks are made on a thread of the store.
  void AwaitBlocks(std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (store_->counts().blocks < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_GE(store_->counts().blocks, count);
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<UnsyncedFolder> folder_ = std::make_shared<UnsyncedFolder>();
  std::unique_ptr<TraceStore> store_{};
};

TEST_F(StoreRatesTest, EveryKindOfEndLeavesThemEqualToWhatWasWritten) {
  std::mt19937_64 random(7);
  Sums truth;
  const auto count = [&](const SeriesKey& key, const TestSpan& span) {
    truth[key].Add(span.duration_ns, span.error);
  };
  Open();
  std::uint64_t id = 1;
  for (int round = 0; round < 40; ++round) {
    std::vector<TestSpan> spans;
    for (int i = 0; i < 12; ++i, id += 2) {
      TestSpan client{.trace = id,
                      .id = id,
                      .service = "shop",
                      .name = "call",
                      .kind = 3,
                      .start_ns = kStartNs + random() % (300 * kNsPerS),
                      .duration_ns = random() % 100'000'000,
                      .error = random() % 5 == 0};
      TestSpan server = client;
      server.id = id + 1;
      server.parent = id;
      server.service = random() % 2 == 0 ? "cart" : "stock";
      server.name = "GET /" + std::to_string(random() % 3);
      server.kind = 2;
      server.error = random() % 3 == 0;
      count({SeriesType::kOperation, "shop", "call", 3}, client);
      count({SeriesType::kOperation, server.service, server.name, 2}, server);
      count({SeriesType::kEdge, "shop", server.service, 0}, server);
      spans.push_back(client);
      spans.push_back(server);
    }
    Write(spans);
    if (round % 9 == 8) Write(spans);  // delivered twice
    clock_.Advance(kNsPerS);
    if (round % 4 == 1) Open();
    if (round % 4 == 3) {
      store_.reset();
      folder_->LosePower(random() % 100);
      Open();
    }
    ASSERT_EQ(Read(), truth) << round;
  }
  AwaitBlocks(13);
  EXPECT_EQ(Read(), truth);
  EXPECT_LT(store_->counts().rates_files, 12u);  // merged
  EXPECT_EQ(store_->counts().disk_bytes, folder_->bytes());
}

TEST_F(StoreRatesTest, ACallWhoseEndsComeIntoTwoBlocksCountsOnce) {
  Open();
  std::vector<TestSpan> clients;
  std::vector<TestSpan> servers;
  for (std::uint64_t id = 1; id <= 100; ++id) {
    clients.push_back({.trace = id, .id = id, .service = "shop", .kind = 3});
    servers.push_back({.trace = id, .id = 1000 + id, .parent = id, .service = "cart"});
  }
  const auto half = [](const std::vector<TestSpan>& spans, int which) {
    return std::vector<TestSpan>(spans.begin() + 50 * which, spans.begin() + 50 * (which + 1));
  };
  Write(half(servers, 0));  // either end may be first
  Write(half(clients, 1));
  Write({{.trace = 5000, .service = "other"}});
  AwaitBlocks(2);
  clock_.Advance(20 * kNsPerS);
  Open();  // what waited is found again in the blocks
  Write(half(clients, 0));
  Write(half(servers, 1));
  const SeriesKey edge{SeriesType::kEdge, "shop", "cart", 0};
  EXPECT_EQ(Read()[edge].count, 100u);
  Open();
  EXPECT_EQ(Read()[edge].count, 100u);
  const std::uint64_t minute = kStartS / 60;
  EXPECT_EQ(store_->Calls(minute, minute, {}), (Edges{{{0, "shop", "cart"}, 100}}));
}

TEST_F(StoreRatesTest, TimesAreThoseOfTheSpans) {
  Open(1000);
  constexpr std::uint64_t kDayNs = 86400 * kNsPerS;
  Write({{.id = 1, .start_ns = kStartNs},
         {.id = 2, .start_ns = kStartNs + 9 * kNsPerS},
         {.id = 3, .start_ns = kStartNs + 10 * kNsPerS},
         {.id = 4, .start_ns = kStartNs - 2 * 3600 * kNsPerS},
         {.id = 5, .start_ns = kStartNs - 31 * kDayNs},         // too old
         {.id = 6, .start_ns = kStartNs + 2 * 3600 * kNsPerS},  // not yet
         {.id = 7, .start_ns = 0}});
  const SeriesKey key{SeriesType::kOperation, "shop", "GET /cart", 2};
  EXPECT_EQ(Read()[key].count, 4u);
  EXPECT_EQ(Read(kStartS, kStartS + 9)[key].count, 2u);
  EXPECT_EQ(Read(kStartS + 10, kStartS + 10)[key].count, 1u);
  EXPECT_EQ(Read(kStartS - 7200, kStartS - 7200)[key].count, 1u);
  EXPECT_EQ(store_->counts().rates_out_of_time, 3u);
  EXPECT_EQ(store_->counts().spans, 7u);  // they are kept all the same
}

TEST_F(StoreRatesTest, TotalsBeginWithTheOpening) {
  Open();
  std::uint64_t id = 1;
  const auto some = [&](int count) {
    std::vector<TestSpan> spans;
    for (int i = 0; i < count; ++i) spans.push_back({.trace = id, .id = id++, .error = i == 0});
    Write(spans);
  };
  some(30);
  const SeriesKey key{SeriesType::kOperation, "shop", "GET /cart", 2};
  EXPECT_EQ(store_->RatesSinceOpening()[key].count, 30u);
  Open();
  EXPECT_EQ(store_->RatesSinceOpening().count(key), 0u);
  for (int i = 0; i < 10; ++i) some(30);  // through blocks
  EXPECT_EQ(store_->RatesSinceOpening()[key].count, 300u);
  EXPECT_EQ(store_->RatesSinceOpening()[key].errors, 10u);
  EXPECT_EQ(store_->RatesSinceOpening()[key].durations.count(), 300u);
  EXPECT_EQ(Read()[key].count, 330u);
}

TEST_F(StoreRatesTest, WithoutItsFileABlockKnowsTheCallsInside) {
  Open();
  std::vector<TestSpan> spans;
  for (std::uint64_t id = 1; id <= 60; id += 2) {
    spans.push_back({.trace = id, .id = id, .service = "shop", .kind = 3});
    spans.push_back({.trace = id, .id = id + 1, .parent = id, .service = "cart"});
  }
  Write(spans);
  Write({{.trace = 5000, .service = "other"}});
  AwaitBlocks(1);
  store_.reset();
  std::erase_if(folder_->files, [](const auto& file) { return file.first.ends_with(".rates"); });
  Open();
  const std::uint64_t minute = kStartS / 60;
  EXPECT_EQ(store_->Calls(minute, minute, {}), (Edges{{{0, "shop", "cart"}, 30}}));
}

class Listener : public SpanWatcher {
 public:
  void OnSpan(const SpanRow& row, const Group& group) override {
    heard += group.service + " " + std::string(row.name) + (row.error ? " failed\n" : "\n");
  }
  std::string heard{};
};

TEST_F(StoreRatesTest, AWatcherHearsEverySpanOnce) {
  Open();
  const auto listener = std::make_shared<Listener>();
  store_->Watch(listener);
  Write({{.id = 1}, {.id = 2, .service = "stock", .name = "GET /x", .error = true}});
  Write({{.id = 1}, {.id = 3, .name = "GET /y"}});
  store_->Watch(nullptr);
  Write({{.id = 4}});
  store_.reset();
  EXPECT_EQ(listener->heard, "shop GET /cart\nstock GET /x failed\nshop GET /y\n");
}

}  // namespace
}  // namespace wirespan::gateway::store
