// What the commands do with a folder, beside a store and without one.
#include "gateway/sink/store/maintenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gateway/sink/store/trace_store.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::store {
namespace {

using nlohmann::json;
using queue::testing::UnsyncedFolder;
using testing::TestSpan;

class MaintenanceTest : public ::testing::Test {
 protected:
  std::unique_ptr<TraceStore> Open(const std::shared_ptr<UnsyncedFolder>& folder) {
    auto opened = TraceStore::Open(folder->Mount(),
                                   {.directory = "test",
                                    .max_disk_bytes = 64u << 20,
                                    .max_age = std::chrono::milliseconds(0),
                                    .block_spans = 50,
                                    .page_spans = 8},
                                   clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  // Traces of three spans each from `first` on: two blocks of 54 spans and a log of the rest.
  void Fill(TraceStore& store, std::uint64_t first = 0, std::uint64_t traces = 44) {
    for (std::uint64_t trace = first; trace < first + traces; trace += 2) {
      std::vector<TestSpan> spans;
      for (std::uint64_t i = 0; i < 6; ++i) {
        spans.push_back({.trace = trace + i / 3, .id = trace * 3 + i + 1});
      }
      std::promise<Result<>> written;
      store.Append(testing::Request(spans), [&](Result<> done) { written.set_value(done); });
      ASSERT_TRUE(written.get_future().get());
    }
  }
  static void AwaitBlocks(const TraceStore& store, std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (store.counts().blocks < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_GE(store.counts().blocks, count);
  }
  void FillAndClose() {
    auto store = Open(folder_);
    Fill(*store);
    AwaitBlocks(*store, 2);
  }
  bool Verify(UnsyncedFolder& folder) {
    lines_.clear();
    const auto sound = VerifyStore(*folder.Mount(),
                                   [&](std::string_view line) { lines_ += line, lines_ += '\n'; });
    EXPECT_TRUE(sound) << sound.error().message;
    return sound && *sound;
  }
  // Ids of the spans in the printed requests.
  static std::multiset<std::string> Dumped(UnsyncedFolder& folder,
                                           const std::optional<TraceId>& trace = {}) {
    std::multiset<std::string> ids;
    const auto count = DumpStore(*folder.Mount(), trace, [&](std::string_view line) {
      const json request = json::parse(line);
      for (const json& resource : request["resourceSpans"]) {
        for (const json& span : resource["scopeSpans"][0]["spans"]) ids.insert(span["spanId"]);
      }
    });
    EXPECT_TRUE(count);
    EXPECT_EQ(*count, ids.size());
    return ids;
  }

  wirespan::testing::FakeClock clock_;  // stands at kStartNs
  std::shared_ptr<UnsyncedFolder> folder_ = std::make_shared<UnsyncedFolder>();
  std::string lines_{};
};

TEST_F(MaintenanceTest, ASoundStoreIsVerified) {
  FillAndClose();
  EXPECT_TRUE(Verify(*folder_)) << lines_;
  EXPECT_THAT(lines_, ::testing::HasSubstr("0000000000000001.blk: 54 spans in "));
  EXPECT_THAT(lines_, ::testing::HasSubstr("0000000000000003.wal: 24 spans in 4 requests, sound"));
  EXPECT_THAT(lines_, ::testing::HasSubstr(".rates: 1 cells in 1 windows of rates, sound"));
}

TEST_F(MaintenanceTest, DamageIsToldWhereverItIs) {
  FillAndClose();
  for (const auto& [name, file] : folder_->files) {
    const std::string sound = file->content;
    int missed = 0;
    for (std::size_t at = 0; at < sound.size(); at += 37) {
      file->content[at] = static_cast<char>(file->content[at] ^ 4);
      if (Verify(*folder_)) ++missed;
      file->content = sound;
    }
    // A few bytes mean nothing: what fills up to a multiple of eight, a log's first bytes.
    EXPECT_LE(missed, name.ends_with(".wal") ? 4 : 0) << name;
  }
  EXPECT_TRUE(Verify(*folder_)) << lines_;
}

TEST_F(MaintenanceTest, ADumpHasEverySpanOrThoseOfATrace) {
  FillAndClose();
  EXPECT_EQ(Dumped(*folder_).size(), 132u);
  EXPECT_EQ(
      Dumped(*folder_, TraceId{7, 1}),
      (std::multiset<std::string>{"0000000000000004", "0000000000000005", "0000000000000006"}));
  EXPECT_EQ(Dumped(*folder_, TraceId{7, 43}).size(), 3u);  // in the log
  EXPECT_EQ(Dumped(*folder_, TraceId{7, 99}).size(), 0u);
}

TEST_F(MaintenanceTest, ABackupBesideABusyStoreHoldsAllThatCameBefore) {
  auto store = Open(folder_);
  std::uint64_t traces = 0;
  for (int round = 0; round < 10; ++round, traces += 44) {
    Fill(*store, traces);
    auto busy = std::async(std::launch::async, [&] { Fill(*store, 10000 + traces, 20); });
    const auto copy = std::make_shared<UnsyncedFolder>();
    const auto copied = BackUpStore(*folder_->Mount(), *copy->Mount());
    busy.get();
    ASSERT_TRUE(copied) << copied.error().message;
    copy->LosePower();  // it is synced
    const auto second = Open(copy);
    EXPECT_EQ(second->damage().files + second->damage().pages, 0u);
    std::uint64_t counted = 0;
    second->VisitRates(0, ~std::uint64_t{0} / 1'000'000'000, nullptr,
                       [&](const rates::SeriesKey&, rates::CellTime, const rates::Cell& cell) {
                         counted += cell.count;
                       });
    EXPECT_EQ(counted, second->counts().spans);
    std::vector<TraceId> ids;
    for (std::uint64_t trace = 0; trace < traces + 44; ++trace) ids.push_back({7, trace});
    EXPECT_EQ(second->Get(ids, {}).traces.size(), ids.size()) << round;
  }
}

TEST_F(MaintenanceTest, ABackupTakesAnEmptyFolder) {
  FillAndClose();
  const auto refused = BackUpStore(*folder_->Mount(), *folder_->Mount());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("not empty"));
}

TEST_F(MaintenanceTest, ADeletedTraceIsGoneAndNothingElse) {
  FillAndClose();
  for (const std::uint64_t trace : {1u, 30u, 43u}) {  // two in blocks, one in the log
    const auto deleted = DeleteTrace(*folder_->Mount(), {7, trace});
    ASSERT_TRUE(deleted) << deleted.error().message;
    EXPECT_EQ(*deleted, 3u) << trace;
    EXPECT_EQ(Dumped(*folder_, TraceId{7, trace}).size(), 0u);
  }
  EXPECT_EQ(DeleteTrace(*folder_->Mount(), {7, 1}).value(), 0u);
  folder_->LosePower();
  EXPECT_TRUE(Verify(*folder_)) << lines_;
  EXPECT_EQ(Dumped(*folder_).size(), 123u);
  for (const auto& [name, file] : folder_->files) EXPECT_FALSE(name.ends_with(".new")) << name;
  const auto store = Open(folder_);
  EXPECT_EQ(store->counts().spans, 123u);
  for (std::uint64_t trace = 0; trace < 44; ++trace) {
    const TraceId id{7, trace};
    const bool deleted = trace == 1 || trace == 30 || trace == 43;
    EXPECT_EQ(store->Get(std::span(&id, 1), {}).traces.size(), deleted ? 0u : 1u) << trace;
  }
}

}  // namespace
}  // namespace wirespan::gateway::store
