// The rates of a store against what was written to it, through blocks, restarts and power losses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "gateway/sink/store/rates/edges.h"
#include "gateway/sink/store/red/red_points.h"
#include "gateway/sink/store/trace_store.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/red/reports.h"
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
  void Open(std::size_t block_spans = 50, std::size_t block_bytes = 24u << 20) {
    store_.reset();
    auto opened = TraceStore::Open(folder_->Mount(),
                                   {.directory = "test",
                                    .max_disk_bytes = 64u << 20,
                                    .max_age = std::chrono::milliseconds(0),
                                    .block_spans = block_spans,
                                    .block_bytes = block_bytes,
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
  // Of an agent that reports both.
  void WriteOfAgent(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(testing::Request(spans, "one"),
                   [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
  }
  void WritePoints(const testing::TestReport& report) {
    std::promise<Result<>> written;
    store_->AppendPoints(red::ReadRedReport(testing::ReportBytes(report)), report.points.size(),
                         [&](Result<> result) { written.set_value(result); });
    ASSERT_TRUE(written.get_future().get());
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

// An agent that counts every exchange and sends the spans of some, late and out of order.
TEST_F(StoreRatesTest, WhatAnAgentCountedIsWhatIsTold) {
  for (const unsigned sampled : {10u, 100u}) {
    folder_ = std::make_shared<UnsyncedFolder>();
    std::mt19937_64 random(sampled);
    Open();
    std::uint64_t truth = 0;
    std::uint64_t errors = 0;
    std::uint64_t id = 1;
    std::vector<std::uint64_t> fine(15);
    std::vector<std::uint64_t> failed(15);
    std::vector<TestSpan> late;
    const std::uint64_t start_ns = clock_.realtime_ns();
    for (int round = 0; round < 60; ++round) {
      for (int i = 0; i < 20; ++i, ++truth, ++id) {
        const bool error = random() % 4 == 0;
        errors += error ? 1 : 0;
        const std::uint64_t duration_ns = 11'000'000 + random() % 10'000'000;
        ++(error ? failed : fine)[2];
        if (random() % 100 >= sampled) continue;
        late.push_back({.trace = id,
                        .id = id,
                        .name = "GET",
                        .start_ns = clock_.realtime_ns() - duration_ns,
                        .duration_ns = duration_ns,
                        .error = error,
                        .texts = {{"http.request.method", "GET"}}});
        if (error) late.back().texts.emplace_back("error.type", "500");
      }
      std::shuffle(late.begin(), late.end(), random);
      const std::size_t now = random() % (late.size() + 1);
      if (now > 0) WriteOfAgent({late.begin(), late.begin() + static_cast<long>(now)});
      late.erase(late.begin(), late.begin() + static_cast<long>(now));
      clock_.Advance(kNsPerS);
      if (round % 6 == 5) {
        const testing::TestReport report = {
            .points = {{.start_ns = start_ns, .time_ns = clock_.realtime_ns(), .counts = fine},
                       {.texts = {{"http.request.method", "GET"}, {"error.type", "500"}},
                        .start_ns = start_ns,
                        .time_ns = clock_.realtime_ns(),
                        .counts = failed}}};
        WritePoints(report);
        if (random() % 2 == 0) WritePoints(report);  // twice
        const Cell cell = Read()[{SeriesType::kOperation, "shop", "GET", 2}];
        ASSERT_EQ(cell.count, truth) << sampled << " " << round;
        ASSERT_EQ(cell.errors, errors) << sampled << " " << round;
        ASSERT_EQ(cell.durations.count(), truth);
        EXPECT_NEAR(cell.durations.PercentileNs(0.5), 16e6, 2e6);
        if (sampled == 100) {
          EXPECT_LT(cell.from_metrics, truth);
        }
      }
      if (round % 4 == 1) Open();
      if (round % 7 == 3) {
        store_.reset();
        folder_->LosePower(random() % 100);
        Open();
      }
    }
    EXPECT_EQ(store_->counts().disk_bytes, folder_->bytes());
  }
}

TEST_F(StoreRatesTest, WithoutSpansALogOfPointsBecomesRates) {
  Open(50, 100u << 10);
  const auto say = [&](std::uint64_t count, std::uint64_t after_s) {
    testing::TestReport report;
    report.points = {{.time_ns = kStartNs + after_s * kNsPerS, .counts = {0, 0, count}}};
    // Enough of them that the log is full.
    for (int i = 0; i < 300; ++i) {
      report.points.push_back({.texts = {{"http.request.method", "GET"},
                                         {"http.route", "/" + std::to_string(i % 7)},
                                         {"number", std::to_string(i)}},
                               .time_ns = kStartNs + after_s * kNsPerS,
                               .counts = {1}});
    }
    clock_.Advance(10 * kNsPerS);
    WritePoints(report);
  };
  const SeriesKey key{SeriesType::kOperation, "shop", "GET", 2};
  std::uint64_t said = 0;
  for (std::uint64_t round = 1; round < 100 && store_->counts().rates_files == 0; ++round) {
    say(said = round * 2, round * 10);
  }
  ASSERT_GT(store_->counts().rates_files, 0u);
  EXPECT_EQ(store_->counts().blocks, 0u);
  Open();
  EXPECT_EQ(Read()[key].count, said);
  EXPECT_EQ(Read()[key].from_metrics, said);
  say(said + 5, 1000);
  EXPECT_EQ(Read()[key].count, said + 5);
  EXPECT_EQ(store_->counts().disk_bytes, folder_->bytes());
}

TEST_F(StoreRatesTest, WhoTellsNothingOfItselfIsKnownByItsCallers) {
  Open(1000);
  const auto call = [](std::uint64_t id, const std::string& address) {
    return TestSpan{.trace = id,
                    .id = id,
                    .name = "GET",
                    .kind = 3,
                    .texts = {{"server.address", address}},
                    .numbers = {{"server.port", 8080}}};
  };
  const auto edges = [&] {
    rates::EdgeSum sum;
    for (const auto& [key, cell] : Read()) sum.Add(key, cell);
    std::string text;
    for (const rates::Edge& edge : sum.Edges()) {
      text += edge.client + (edge.observed ? " -> " : " -? ") + edge.server + " " +
              std::to_string(edge.cell.count) + "\n";
    }
    return text;
  };
  Write({call(1, "cart"), call(2, "cart"), call(3, "db")});
  EXPECT_EQ(edges(), "shop -? cart:8080 2\nshop -? db:8080 1\n");
  Write({{.trace = 1, .id = 11, .parent = 1, .service = "cart"}});
  EXPECT_EQ(edges(), "shop -> cart 2\nshop -? db:8080 1\n");
  Open();
  Write({{.trace = 2, .id = 12, .parent = 2, .service = "cart"}});
  EXPECT_EQ(edges(), "shop -> cart 2\nshop -? db:8080 1\n");
  std::vector<TestSpan> crawl;
  for (std::uint64_t id = 100; id < 400; ++id) crawl.push_back(call(id, std::to_string(id)));
  Write(crawl);
  EXPECT_NE(edges().find("shop -? (other) 238\n"), std::string::npos) << edges();
  EXPECT_EQ(store_->counts().rates_peers_other, 238u);
}

// A call that was sampled away goes where those went that were not.
TEST_F(StoreRatesTest, AnAgentsClientsSayWhomTheyCalled) {
  Open(1000);
  const std::vector<std::pair<std::string, std::string>> texts = {{"http.request.method", "GET"},
                                                                  {"server.address", "cart"}};
  WriteOfAgent({{.trace = 1,
                 .id = 1,
                 .name = "GET",
                 .kind = 3,
                 .texts = texts,
                 .numbers = {{"server.port", 8080}}},
                {.trace = 1,
                 .id = 2,
                 .parent = 1,
                 .service = "cart",
                 .name = "GET",
                 .texts = {{"http.request.method", "GET"}}}});
  WritePoints({.metric = "http.client.request.duration",
               .points = {{.texts = texts, .port = 8080, .counts = {40}}}});
  const auto rates = Read();
  EXPECT_EQ(rates.at({SeriesType::kOperation, "shop", "GET", 3}).count, 40u);
  rates::EdgeSum sum;
  for (const auto& [key, cell] : rates) sum.Add(key, cell);
  const auto edges = sum.Edges();
  ASSERT_EQ(edges.size(), 1u);
  EXPECT_EQ(edges[0].server, "cart");
  EXPECT_TRUE(edges[0].observed);
  EXPECT_EQ(edges[0].cell.count, 40u);
  EXPECT_EQ(edges[0].cell.from_metrics, 39u);
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
