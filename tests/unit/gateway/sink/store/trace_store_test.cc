// What the store promises: acknowledged is found, through restarts, power losses and full disks.
#include "gateway/sink/store/trace_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "common/queue/segment.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/common/queue/unsynced_disk.h"
#include "tests/unit/gateway/sink/store/spans.h"

namespace wirespan::gateway::store {
namespace {

using queue::testing::UnsyncedFolder;
using testing::TestSpan;

StoreOptions Small() {
  return {.directory = "test",
          .max_disk_bytes = 64u << 20,
          .max_age = std::chrono::milliseconds(0),
          .block_spans = 50,
          .page_spans = 8};
}

class TraceStoreTest : public ::testing::Test {
 protected:
  void Open(const StoreOptions& options = Small()) {
    store_.reset();
    auto opened = TraceStore::Open(folder_->Mount(), options, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  Result<> Write(const std::vector<TestSpan>& spans) {
    std::promise<Result<>> written;
    store_->Append(testing::Request(spans), [&](Result<> result) { written.set_value(result); });
    return written.get_future().get();
  }

  // Spans numbered from `first` on, three a trace.
  static std::vector<TestSpan> Numbered(std::uint64_t first, std::uint64_t count) {
    std::vector<TestSpan> spans;
    for (std::uint64_t i = first; i < first + count; ++i) {
      spans.push_back({.trace = i / 3, .id = i + 1, .start_ns = testing::kStartNs + i});
    }
    return spans;
  }

  std::set<std::uint64_t> SpansOf(std::uint64_t trace) {
    std::set<std::uint64_t> ids;
    const TraceId id{7, trace};
    for (const FoundTrace& found : store_->Get(std::span(&id, 1), {}).traces) {
      std::uint64_t seen = 0;
      ForEachSpanIn(found.spans, [&](const SpanPlace&, const SpanRow& row) {
        ids.insert(row.key.span);
        ++seen;
        return true;
      });
      EXPECT_EQ(seen, found.count);
      EXPECT_EQ(ids.size(), found.count);  // none twice
    }
    return ids;
  }

  void ExpectAll(std::uint64_t count) {
    for (std::uint64_t first = 0; first < count; first += 3) {
      const auto found = SpansOf(first / 3);
      for (std::uint64_t i = first; i < std::min(count, first + 3); ++i) {
        ASSERT_TRUE(found.contains(i + 1)) << i;
      }
    }
  }

  void ExpectClosedLedger() {
    const StoreCounts counts = store_->counts();
    EXPECT_EQ(counts.opened + counts.written,
              counts.spans + counts.removed_by_age + counts.removed_by_bytes);
  }

  // Polls, for blocks are made on a thread of the store.
  void AwaitBlocks(std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (store_->counts().blocks < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ASSERT_GE(store_->counts().blocks, count);
  }

  std::shared_ptr<UnsyncedFolder> folder_ = std::make_shared<UnsyncedFolder>();
  wirespan::testing::FakeClock clock_;
  std::unique_ptr<TraceStore> store_;
};

TEST_F(TraceStoreTest, WhatIsAcknowledgedIsFoundAtOnceAndAfterARestart) {
  Open();
  for (std::uint64_t i = 0; i < 600; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  ExpectAll(600);
  ExpectClosedLedger();
  AwaitBlocks(10);
  for (int life = 0; life < 3; ++life) {
    Open();
    EXPECT_EQ(store_->counts().opened, 600u);
    ExpectAll(600);
    EXPECT_EQ(store_->Services(), std::vector<std::string>{"shop"});
  }
  EXPECT_EQ(store_->damage().pages + store_->damage().log_records + store_->damage().indexes, 0u);
}

TEST_F(TraceStoreTest, APowerLossTakesNothingThatWasAcknowledged) {
  std::uint64_t written = 0;
  for (std::size_t torn = 0; torn < 16; ++torn) {
    SCOPED_TRACE(torn);
    Open();
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(Write(Numbered(written, 6)));
      written += 6;
    }
    // At whatever point the store's threads are: what they do from here on, nobody will see.
    auto after = std::make_shared<UnsyncedFolder>();
    {
      const std::lock_guard lock(folder_->mutex);
      for (const auto& [name, file] : folder_->files) {
        after->files[name] = std::make_shared<UnsyncedFolder::File>(*file);
      }
    }
    after->LosePower(torn * 29);
    store_.reset();
    folder_ = after;
    Open();
    ExpectAll(written);
  }
}

TEST_F(TraceStoreTest, ATornEndOfALogIsCutOffAndWrittenOver) {
  Open();
  ASSERT_TRUE(Write(Numbered(0, 6)));
  store_.reset();
  auto& log = folder_->files.begin()->second->content;
  ASSERT_TRUE(folder_->files.begin()->first.ends_with(".wal"));
  const std::string whole = log;
  for (std::size_t cut = 1; cut < whole.size(); cut += 3) {
    SCOPED_TRACE(cut);
    folder_->files.begin()->second->content = whole + whole.substr(32, cut);
    Open();
    ExpectAll(6);
    ASSERT_TRUE(Write(Numbered(6, 3)));
    Open();
    ExpectAll(9);
    store_.reset();
  }
}

TEST_F(TraceStoreTest, ADamagedRecordCostsItselfAlone) {
  Open();
  for (std::uint64_t i = 0; i < 30; i += 3) ASSERT_TRUE(Write(Numbered(i, 3)));
  store_.reset();
  auto& log = folder_->files.begin()->second->content;
  log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 1);
  Open();
  std::size_t traces = 0;
  for (std::uint64_t trace = 0; trace < 10; ++trace) traces += SpansOf(trace).size() == 3 ? 1 : 0;
  EXPECT_EQ(traces, 9u);
  EXPECT_EQ(store_->damage().log_records, 1u);
}

TEST_F(TraceStoreTest, ASpanDeliveredTwiceCountsOnce) {
  Open();
  ASSERT_TRUE(Write(Numbered(0, 6)));
  ASSERT_TRUE(Write(Numbered(0, 6)));
  EXPECT_EQ(store_->counts().written, 6u);
  EXPECT_EQ(store_->counts().duplicates, 6u);
  // Also when the first one is in a block already, and after a restart.
  for (std::uint64_t i = 6; i < 120; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  AwaitBlocks(1);
  ASSERT_TRUE(Write(Numbered(0, 6)));
  EXPECT_EQ(SpansOf(0), (std::set<std::uint64_t>{1, 2, 3}));
  Open();
  EXPECT_EQ(SpansOf(1), (std::set<std::uint64_t>{4, 5, 6}));
  // The two ends of a call that share their id are two spans.
  TestSpan client{.trace = 900, .id = 5, .kind = 3};
  TestSpan server{.trace = 900, .id = 5, .kind = 2};
  ASSERT_TRUE(Write({client, server}));
  const TraceId id{7, 900};
  EXPECT_EQ(store_->Get(std::span(&id, 1), {}).traces.at(0).count, 2u);
}

TEST_F(TraceStoreTest, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
  Open();
  ASSERT_TRUE(Write(Numbered(0, 6)));
  folder_->capacity = folder_->bytes() + 100;
  const auto refused = Write(Numbered(6, 6));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(SpansOf(2).empty());  // refused whole
  EXPECT_EQ(store_->counts().refused, 6u);
  EXPECT_GT(store_->counts().failed_writes, 0u);
  folder_->capacity = ~std::size_t{0};
  ASSERT_TRUE(Write(Numbered(6, 6)));
  ExpectAll(12);
  Open();
  ExpectAll(12);
  ExpectClosedLedger();
}

TEST_F(TraceStoreTest, ABlockThatFindsNoRoomIsWrittenLater) {
  Open();
  std::uint64_t written = 0;
  while (written < 48) {
    ASSERT_TRUE(Write(Numbered(written, 6)));
    written += 6;
  }
  // Room for logs until two tables are full, none for a block.
  folder_->capacity = folder_->bytes() + 2000;
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    const auto result = Write(Numbered(written, 6));
    refused = !result;
    if (result) written += 6;
  }
  EXPECT_TRUE(refused);
  ExpectAll(written);
  folder_->capacity = ~std::size_t{0};
  AwaitBlocks(1);
  ASSERT_TRUE(Write(Numbered(written, 6)));
  ExpectAll(written + 6);
}

TEST_F(TraceStoreTest, AFailedSyncIsNoAcknowledgement) {
  Open();
  folder_->sync_fails = true;
  EXPECT_FALSE(Write(Numbered(0, 6)));
  EXPECT_TRUE(SpansOf(0).empty());
  folder_->sync_fails = false;
  ASSERT_TRUE(Write(Numbered(0, 6)));
  Open();
  ExpectAll(6);
}

TEST_F(TraceStoreTest, TheBoundOfBytesIsKeptByRemovingTheOldest) {
  StoreOptions options = Small();
  options.max_disk_bytes = 60000;
  Open(options);
  std::uint64_t written = 0;
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(Write(Numbered(written, 6)));
    written += 6;
    ASSERT_LE(folder_->bytes(), options.max_disk_bytes);
    ASSERT_LE(store_->counts().disk_bytes, options.max_disk_bytes);
  }
  EXPECT_GT(store_->counts().removed_by_bytes, 0u);
  EXPECT_TRUE(SpansOf(0).empty());
  EXPECT_FALSE(SpansOf((written - 1) / 3).empty());
  ExpectClosedLedger();
}

TEST_F(TraceStoreTest, WhatIsOlderThanTheBoundGoesWhileNothingComes) {
  StoreOptions options = Small();
  options.max_age = std::chrono::hours(1);
  Open(options);
  for (std::uint64_t i = 0; i < 120; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  AwaitBlocks(2);
  clock_.Advance(30ull * 60 * 1000000000);
  TestSpan late{.trace = 5000, .id = 1, .service = "late"};
  ASSERT_TRUE(Write({late}));
  // What has not filled a table becomes a block too, and goes.
  clock_.Advance(40ull * 60 * 1000000000);
  const auto gone = [&](std::uint64_t trace) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!SpansOf(trace).empty() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return SpansOf(trace).empty();
  };
  EXPECT_TRUE(gone(0));
  EXPECT_EQ(SpansOf(5000).size(), 1u);
  AwaitBlocks(1);
  clock_.Advance(61ull * 60 * 1000000000);
  EXPECT_TRUE(gone(5000));
  ExpectClosedLedger();
}

TEST_F(TraceStoreTest, NamesGoWithTheLastBlockThatHoldsThem) {
  StoreOptions options = Small();
  options.max_disk_bytes = 60000;
  Open(options);
  ASSERT_TRUE(Write({{.trace = 9000, .service = "old", .name = "once"}}));
  EXPECT_EQ(store_->Services(), std::vector<std::string>{"old"});
  EXPECT_EQ(store_->Operations("old").at(0).name, "once");
  for (std::uint64_t i = 0; i < 2400; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  EXPECT_EQ(store_->Services(), std::vector<std::string>{"shop"});
  EXPECT_TRUE(store_->Operations("old").empty());
}

TEST_F(TraceStoreTest, ALogWhoseBlockWasBegunIsReadAgain) {
  Open();
  ASSERT_TRUE(Write(Numbered(0, 6)));
  store_.reset();
  const std::string log = folder_->files.begin()->first;
  const std::string block = log.substr(0, 16) + ".blk";
  folder_->files[block] = std::make_shared<UnsyncedFolder::File>();
  folder_->files[block]->content = "wsblock\nhalf of one";
  Open();
  ExpectAll(6);
  EXPECT_FALSE(folder_->files.contains(block));
}

TEST_F(TraceStoreTest, AFileThatIsNoBlockIsCountedAndTheRestIsRead) {
  Open();
  for (std::uint64_t i = 0; i < 120; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  AwaitBlocks(2);
  store_.reset();
  folder_->files["0000000000000000.blk"] = std::make_shared<UnsyncedFolder::File>();
  folder_->files["0000000000000000.blk"]->content = std::string(1000, 'x');
  Open();
  EXPECT_EQ(store_->damage().files, 1u);
  ExpectAll(120);
}

TEST_F(TraceStoreTest, ANewerVersionIsRefusedAndNothingIsTouched) {
  Open();
  for (std::uint64_t i = 0; i < 120; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  AwaitBlocks(2);
  store_.reset();
  const auto expect_refused = [&](const std::string& suffix, const std::string& header) {
    SCOPED_TRACE(suffix);
    std::map<std::string, std::string> sound;
    for (const auto& [name, file] : folder_->files) sound[name] = file->content;
    // The last one: those before it are looked at first.
    const auto last = std::find_if(sound.rbegin(), sound.rend(),
                                   [&](const auto& file) { return file.first.ends_with(suffix); });
    ASSERT_NE(last, sound.rend());
    folder_->files[last->first]->content.replace(0, header.size(), header);
    std::map<std::string, std::string> before;
    for (const auto& [name, file] : folder_->files) before[name] = file->content;
    auto opened = TraceStore::Open(folder_->Mount(), Small(), clock_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(folder_->files.size(), before.size());
    for (const auto& [name, file] : folder_->files) EXPECT_EQ(file->content, before.at(name));
    folder_->files[last->first]->content = last->second;
  };
  expect_refused(".blk", EncodeBlockHeader({.version = kBlockVersion + 1}));
  const auto log = queue::Encode(queue::SegmentHeader{.version = queue::kFormatVersion + 1});
  expect_refused(".wal", std::string(log.data(), log.size()));
  Open();
  ExpectAll(120);
}

TEST_F(TraceStoreTest, AnAnswerThatIsTooLargeIsCutAndSaysSo) {
  Open();
  for (std::uint64_t i = 0; i < 300; i += 6) ASSERT_TRUE(Write(Numbered(i, 6)));
  TraceQuery query{.service = "shop"};
  EXPECT_TRUE(store_->Search(query, {}).complete);
  const auto cut = store_->Search(query, {.max_bytes = 1000});
  EXPECT_FALSE(cut.complete);
  EXPECT_LT(cut.traces.size(), 100u);
  EXPECT_FALSE(store_->Search(query, {.stop = [] { return true; }}).complete);
}

TEST_F(TraceStoreTest, ManySendersAtOnceShareSyncs) {
  Open();
  std::vector<std::jthread> senders;
  std::atomic<int> failed{0};
  for (std::uint64_t sender = 0; sender < 8; ++sender) {
    senders.emplace_back([&, sender] {
      for (std::uint64_t i = 0; i < 30; ++i) {
        if (!Write(Numbered((sender * 30 + i) * 6, 6))) ++failed;
        const TraceId id{7, i};
        (void)store_->Get(std::span(&id, 1), {});
        (void)store_->Search({.service = "shop", .limit = 3}, {});
      }
    });
  }
  senders.clear();
  EXPECT_EQ(failed, 0);
  ExpectAll(8 * 30 * 6);
  ExpectClosedLedger();
  EXPECT_LE(store_->counts().syncs, 240u);
}

}  // namespace
}  // namespace wirespan::gateway::store
