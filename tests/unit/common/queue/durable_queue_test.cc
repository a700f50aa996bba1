#include "common/queue/durable_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>

#include "common/queue/dump.h"
#include "tests/unit/common/queue/unsynced_disk.h"

namespace wirespan::queue {
namespace {

using testing::UnsyncedFolder;

class DurableQueueTest : public ::testing::Test {
 protected:
  void Open(DurableOptions options = {}) {
    queue_.reset();
    auto opened = DurableQueue::Open(folder_->Mount(), options);
    ASSERT_TRUE(opened) << opened.error().message;
    queue_ = std::move(*opened);
  }
  // As kill -9 does: nothing is sealed. What the old object still writes goes nowhere.
  void Kill(std::size_t torn_bytes = 0, bool power = true) {
    auto after = std::make_shared<UnsyncedFolder>();
    {
      std::lock_guard lock(folder_->mutex);
      for (const auto& [name, file] : folder_->files) {
        after->files[name] = std::make_shared<UnsyncedFolder::File>(*file);
      }
    }
    if (power) after->LosePower(torn_bytes);
    queue_.reset();
    folder_ = after;
  }
  Result<> Add(const std::string& payload, std::uint32_t items = 1) {
    std::promise<Result<>> done;
    queue_->Append("meta", {payload}, items, nullptr,
                   [&](Result<> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  void AckOf(const DurableQueue::Record& record) {
    queue_->Ack(record.seq, record.items, record.payload_bytes);
  }
  std::vector<std::string> ReadAll(bool ack) {
    std::vector<std::string> payloads;
    while (auto record = queue_->Next()) {
      EXPECT_EQ(record->meta, "meta");
      payloads.push_back(record->payload);
      if (ack) AckOf(*record);
    }
    return payloads;
  }

  std::shared_ptr<UnsyncedFolder> folder_ = std::make_shared<UnsyncedFolder>();
  std::unique_ptr<DurableQueue> queue_;
};

TEST_F(DurableQueueTest, GivesBackInOrder) {
  Open();
  for (const char* payload : {"a", "b", "c"}) ASSERT_TRUE(Add(payload, 7));
  EXPECT_EQ(queue_->held().records, 3u);
  EXPECT_EQ(queue_->held().items, 21u);
  EXPECT_EQ(queue_->held().bytes, 3u);
  EXPECT_EQ(ReadAll(true), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(queue_->held().records, 0u);
  EXPECT_EQ(queue_->held().bytes, 0u);
}

TEST_F(DurableQueueTest, WhatWasAcknowledgedStaysAwayAfterARestartAndTheRestComesBack) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Add(std::to_string(i), 2));
  for (int i = 0; i < 4; ++i) {
    auto record = queue_->Next();
    ASSERT_TRUE(record);
    if (i != 1) AckOf(*record);
  }
  for (const bool kill : {false, true}) {
    SCOPED_TRACE(kill);
    if (kill) Kill(0, false);
    Open();
    EXPECT_EQ(queue_->held().records, 7u);
    EXPECT_EQ(queue_->held().items, 14u);
    EXPECT_EQ(ReadAll(false), (std::vector<std::string>{"1", "4", "5", "6", "7", "8", "9"}));
  }
}

TEST_F(DurableQueueTest, WhatWasSaidToBeSafeSurvivesALossOfPower) {
  std::minstd_rand random(3);
  std::vector<std::string> safe;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    Open({.segment_bytes = 300});
    for (int i = 0; i < 12; ++i) {
      const std::string payload =
          std::to_string(round) + "." + std::string(random() % 90, 'x') + std::to_string(i);
      ASSERT_TRUE(Add(payload));
      safe.push_back(payload);
    }
    // More is on its way when the power goes.
    const std::string late(50, 'l');
    for (int i = 0; i < 5; ++i) queue_->Append("meta", {late}, 1, nullptr, [](Result<>) {});
    Kill(random() % 200);
    Open({.segment_bytes = 300});
    std::vector<std::string> found = ReadAll(false);
    std::erase(found, late);
    EXPECT_EQ(found, safe);
  }
}

TEST_F(DurableQueueTest, WithoutSyncALossOfPowerLosesAndNothingBreaks) {
  Open({.sync = false});
  ASSERT_TRUE(Add("a"));
  EXPECT_EQ(queue_->counts().syncs, 0u);
  Kill();
  Open();
  EXPECT_EQ(ReadAll(true).size(), 0u);
}

TEST_F(DurableQueueTest, ManyWritersShareASync) {
  Open();
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  const std::string payload(100, 'x');
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        queue_->Append("meta", {payload}, 1, nullptr, [&](Result<> result) {
          EXPECT_TRUE(result);
          ++done;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  queue_->Close();
  EXPECT_EQ(done, 1000);
  EXPECT_LT(queue_->counts().syncs, 1000u);
  Open();
  EXPECT_EQ(ReadAll(true).size(), 1000u);
}

TEST_F(DurableQueueTest, AFullDiskIsBackpressureAndHeals) {
  Open();
  ASSERT_TRUE(Add("first"));
  {
    std::lock_guard lock(folder_->mutex);
    folder_->capacity = 200;
  }
  auto refused = Add(std::string(500, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(Add(std::string(500, 'y')));
  {
    std::lock_guard lock(folder_->mutex);
    folder_->capacity = 1 << 20;
  }
  ASSERT_TRUE(Add("second"));
  EXPECT_EQ(queue_->counts().failed_writes, 2u);
  Open();
  EXPECT_EQ(ReadAll(true), (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(queue_->counts().damaged_records, 0u);
}

TEST_F(DurableQueueTest, AFailedSyncRefusesAndGoesOnInAnotherFile) {
  Open();
  ASSERT_TRUE(Add("first"));
  folder_->sync_fails = true;
  EXPECT_FALSE(Add("lost"));
  folder_->sync_fails = false;
  ASSERT_TRUE(Add("second"));
  Kill();
  Open();
  std::vector<std::string> found = ReadAll(true);
  std::erase(found, "lost");  // its sender was told to send it again
  EXPECT_EQ(found, (std::vector<std::string>{"first", "second"}));
}

TEST_F(DurableQueueTest, RefusesBeyondItsBoundAndTakesAgainWhenDrained) {
  Open({.segment_bytes = 1000, .max_disk_bytes = 3000});
  std::size_t taken = 0;
  while (Add(std::string(400, 'x'))) ++taken;
  EXPECT_GE(taken, 5u);
  EXPECT_LE(folder_->bytes(), 3200u);
  EXPECT_EQ(ReadAll(true).size(), taken);
  EXPECT_TRUE(Add(std::string(400, 'x')));
  EXPECT_LT(queue_->counts().disk_bytes, 2000u);
}

TEST_F(DurableQueueTest, DropsTheOldestThatWaitsWhenAsked) {
  Open();
  for (const char* payload : {"a", "b", "c"}) ASSERT_TRUE(Add(payload, 5));
  auto taken = queue_->Next();  // under way: not dropped
  ASSERT_TRUE(taken);
  EXPECT_EQ(queue_->DropOldest()->items, 5u);
  EXPECT_EQ(queue_->held().records, 2u);
  EXPECT_EQ(ReadAll(true), std::vector<std::string>{"c"});
  EXPECT_FALSE(queue_->DropOldest());
}

TEST_F(DurableQueueTest, GivesDrainedSpaceBack) {
  Open({.segment_bytes = 1000});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Add(std::string(200, 'x')));
  EXPECT_GT(folder_->bytes(), 10000u);
  ReadAll(true);
  EXPECT_LT(folder_->bytes(), 2500u);
  queue_->Close();
  EXPECT_EQ(folder_->bytes(), 0u);
  Open({.keep_bytes = 0});
  ASSERT_TRUE(Add(std::string(2 << 20, 'x')));  // far below a segment's size
  ReadAll(true);
  EXPECT_FALSE(queue_->Next());
  EXPECT_EQ(folder_->bytes(), 0u);
  EXPECT_EQ(queue_->counts().disk_bytes, 0u);
}

TEST_F(DurableQueueTest, SkipsAndCountsDamage) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Add(std::string(100, static_cast<char>('a' + i))));
  queue_.reset();
  auto& content = folder_->files.begin()->second->content;
  content[content.find("cccc") + 3] = '!';  // a flipped byte in a payload
  const std::size_t header = content.find("ffff") - 4 - kRecordHeaderBytes;
  content[header + 9] = '\x7f';  // a length that lies
  Open();
  EXPECT_EQ(queue_->held().records, 10u);  // by the footer: contents are looked at when read
  EXPECT_EQ(ReadAll(true).size(), 8u);
  EXPECT_EQ(queue_->counts().damaged_records, 2u);
  EXPECT_EQ(queue_->held().records, 0u);
  EXPECT_EQ(folder_->bytes(), 0u);
}

TEST_F(DurableQueueTest, ANewerFormatIsRefusedWithoutATouch) {
  Open();
  ASSERT_TRUE(Add("a"));
  queue_.reset();
  const auto newer = Encode(SegmentHeader{.version = 2, .first_seq = 99});
  auto file = std::make_shared<UnsyncedFolder::File>();
  file->content.assign(newer.data(), newer.size());
  folder_->files[SegmentName(99) + ".seg"] = file;
  const auto before = folder_->bytes();
  auto opened = DurableQueue::Open(folder_->Mount(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("format version 2"));
  EXPECT_EQ(folder_->bytes(), before);
}

TEST_F(DurableQueueTest, KeepsPayloadsInMemoryUpToABound) {
  Open({.keep_bytes = 10});
  auto keep = std::make_shared<const int>(1);
  const std::string payload(8, 'x');
  for (int i = 0; i < 2; ++i) {
    std::promise<void> done;
    queue_->Append("meta", {payload}, 1, keep, [&](Result<>) { done.set_value(); });
    done.get_future().wait();
  }
  EXPECT_EQ(queue_->Next()->kept, keep);
  const auto second = queue_->Next();
  EXPECT_EQ(second->kept, nullptr);
  EXPECT_EQ(second->payload, payload);
}

TEST_F(DurableQueueTest, NumbersAreNeverUsedTwice) {
  std::set<std::uint64_t> seqs;
  for (int round = 0; round < 5; ++round) {
    Open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Add("x"));
    if (round % 2 == 0) Kill(0, false);
  }
  Open();
  while (auto record = queue_->Next()) EXPECT_TRUE(seqs.insert(record->seq).second);
  EXPECT_EQ(seqs.size(), 15u);
}

class RealFolderTest : public ::testing::Test {
 protected:
  RealFolderTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "queue-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~RealFolderTest() override { std::filesystem::remove_all(path_); }
  std::unique_ptr<DurableQueue> Open() {
    auto disk = OpenFolder(path_);
    if (!disk) return nullptr;
    return std::move(*DurableQueue::Open(std::move(*disk), {.segment_bytes = 2000}));
  }
  std::string path_;
};

TEST_F(RealFolderTest, WorksOnFilesAndIsDumped) {
  {
    auto queue = Open();
    ASSERT_NE(queue, nullptr);
    EXPECT_FALSE(OpenFolder(path_));  // one process at a time
    std::promise<void> done;
    for (int i = 0; i < 30; ++i) {
      const bool last = i == 29;
      static const std::string payload(300, 'p');
      queue->Append("m", {payload, "more"}, 3, nullptr, [&done, last](Result<> result) {
        EXPECT_TRUE(result);
        if (last) done.set_value();
      });
    }
    done.get_future().wait();
    const auto first = queue->Next();
    queue->Next();
    queue->Ack(first->seq, first->items, first->payload_bytes);
  }
  auto disk = OpenFolderForReading(path_);
  ASSERT_TRUE(disk);
  std::vector<std::string> lines;
  ASSERT_TRUE(Dump(**disk, [&](std::string_view line) { lines.emplace_back(line); }));
  const auto count = [&](std::string_view word) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.ends_with(word); });
  };
  EXPECT_EQ(count(" held"), 29);
  EXPECT_EQ(count(" acknowledged"), 1);
  auto queue = Open();
  EXPECT_EQ(queue->held().records, 29u);
  std::size_t records = 0;
  while (auto record = queue->Next()) {
    EXPECT_EQ(record->payload, std::string(300, 'p') + "more");
    queue->Ack(record->seq, record->items, record->payload_bytes);
    ++records;
  }
  EXPECT_EQ(records, 29u);
  queue.reset();
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    EXPECT_EQ(entry.path().filename(), "lock");
  }
}

TEST_F(RealFolderTest, ARemovedFileIsNotHeldOpen) {
  // Its space would not come back, and a full disk has none for the next file.
  auto queue = Open();
  const std::string payload(2 << 20, 'p');
  std::promise<Result<>> done;
  queue->Append("meta", {payload}, 1, nullptr,
                [&](Result<> result) { done.set_value(std::move(result)); });
  ASSERT_TRUE(done.get_future().get());
  const auto record = queue->Next();
  ASSERT_TRUE(record);
  queue->Ack(record->seq, record->items, record->payload_bytes);
  EXPECT_FALSE(queue->Next());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the listing's own
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    EXPECT_FALSE(target.find(path_) == 0 && target.ends_with(".seg (deleted)")) << target;
  }
}

}  // namespace
}  // namespace wirespan::queue
