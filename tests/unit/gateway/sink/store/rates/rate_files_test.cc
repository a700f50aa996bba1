// Files of rates: merges, ages, crashes and damage.
#include "gateway/sink/store/rates/rate_files.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/hash.h"
#include "gateway/sink/store/byte_order.h"
#include "tests/unit/common/queue/unsynced_disk.h"

namespace wirespan::gateway::store::rates {
namespace {

using queue::testing::UnsyncedFolder;

constexpr std::uint64_t kWindow = 1'700'000'400;

class RateFilesTest : public ::testing::Test {
 protected:
  void Open(RateOptions options = {}, const std::set<std::uint64_t>& logs = {}) {
    files_ = std::make_unique<RateFiles>(
        *disk_, options,
        RateFiles::Accounts{.reserve = [this](std::uint64_t bytes) -> Result<> {
                              held_ += bytes;
                              return {};
                            },
                            .release = [this](std::uint64_t bytes) { held_ -= bytes; }});
    const auto recovered = files_->Recover(logs, [this](const std::string&) { ++damaged_files_; });
    ASSERT_TRUE(recovered) << recovered.error().message;
    held_ = files_->bytes();
  }
  // A span of each of `series` operations at `start_s`.
  void Write(std::uint64_t log, std::uint64_t start_s, int series = 1) {
    RateTable table(1000);
    for (int i = 0; i < series; ++i) {
      table.Add(table.For(SeriesType::kOperation, "shop", "op" + std::to_string(i), 2),
                FineCell(start_s * kNsPerS), 1'000'000, false);
    }
    auto file = files_->Write(table, log);
    ASSERT_TRUE(file) << file.error().message;
    files_->Show(*file);
  }
  std::map<CellTime, std::uint64_t> Cells() {
    std::map<CellTime, std::uint64_t> cells;
    files_->Visit(files_->files(), 0, ~std::uint64_t{0}, nullptr,
                  [&](const SeriesKey&, CellTime time, const Cell& cell) {
                    EXPECT_EQ(cell.durations.count(), cell.count);
                    cells[time] += cell.count;
                  });
    return cells;
  }
  std::uint64_t Count() {
    std::uint64_t count = 0;
    for (const auto& [time, spans] : Cells()) count += spans;
    return count;
  }

  std::shared_ptr<UnsyncedFolder> folder_ = std::make_shared<UnsyncedFolder>();
  std::unique_ptr<queue::Disk> disk_ = folder_->Mount();
  std::unique_ptr<RateFiles> files_{};
  std::uint64_t held_ = 0;
  int damaged_files_ = 0;
};

TEST_F(RateFilesTest, EightBecomeOneAndNothingIsLost) {
  Open();
  for (std::uint64_t log = 1; log <= 70; ++log) {
    Write(log, kWindow + log * 7, 2);
    ASSERT_TRUE(files_->Tidy(kWindow));
    ASSERT_EQ(Count(), 2 * log);
    ASSERT_EQ(held_, files_->bytes());
    ASSERT_EQ(held_, folder_->bytes());
  }
  EXPECT_LE(files_->files().size(), 8u);  // one of 64, then 65 to 70
  EXPECT_TRUE(files_->Holds(1));
  EXPECT_TRUE(files_->Holds(70));
  EXPECT_FALSE(files_->Holds(71));
  folder_->LosePower();
  Open();
  EXPECT_EQ(Count(), 140u);
}

TEST_F(RateFilesTest, AMergeRollsUpByAge) {
  Open();
  for (std::uint64_t log = 1; log <= 8; ++log) Write(log, kWindow + log * 10);
  ASSERT_TRUE(files_->Tidy(kWindow + 2 * 3600));
  EXPECT_EQ(Cells(),
            (std::map<CellTime, std::uint64_t>{{{kWindow, 60}, 5}, {{kWindow + 60, 60}, 3}}));
  for (std::uint64_t log = 9; log <= 64; ++log) Write(log, kWindow + 10);
  ASSERT_TRUE(files_->Tidy(kWindow + 90000));
  EXPECT_EQ(Count(), 64u);
}

TEST_F(RateFilesTest, OldWindowsGo) {
  Open({.max_age_s = 3600});
  Write(1, kWindow);
  Write(2, kWindow + 6000);
  ASSERT_TRUE(files_->Tidy(kWindow + 4200));
  EXPECT_EQ(Count(), 2u);
  ASSERT_TRUE(files_->Tidy(kWindow + 4201));
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(files_->removed_windows(), 1u);
  for (std::uint64_t log = 3; log <= 9; ++log) Write(log, kWindow + (log % 2) * 6000);
  ASSERT_TRUE(files_->Tidy(kWindow + 4100));
  ASSERT_EQ(files_->files().size(), 1u);
  ASSERT_TRUE(files_->Tidy(kWindow + 4300));
  EXPECT_EQ(Count(), 8u);  // the file has windows that are not old
}

TEST_F(RateFilesTest, TheBoundOfBytesTakesTheOldest) {
  Open();
  Write(1, kWindow, 20);
  const std::uint64_t one = files_->bytes();
  Open({.max_bytes = one * 5 / 2});
  Write(2, kWindow, 20);
  Write(3, kWindow, 20);
  ASSERT_TRUE(files_->Tidy(kWindow));
  EXPECT_EQ(files_->files().size(), 2u);
  EXPECT_FALSE(files_->Holds(1));
  EXPECT_EQ(held_, folder_->bytes());
}

TEST_F(RateFilesTest, AMergeThatACrashCutOffIsMadeAgain) {
  Open();
  for (std::uint64_t log = 1; log <= 8; ++log) Write(log, kWindow);
  std::map<std::string, std::string> parts;
  for (const auto& [name, file] : folder_->files) parts[name] = file->content;
  ASSERT_TRUE(files_->Tidy(kWindow));
  ASSERT_EQ(folder_->files.size(), 1u);
  const std::string name = folder_->files.begin()->first;
  const std::string whole = folder_->files.begin()->second->content;
  for (std::size_t written = 0; written <= whole.size(); ++written) {
    folder_->files[name]->content = whole.substr(0, written);
    for (const auto& [part, content] : parts) {
      folder_->files[part] = std::make_shared<UnsyncedFolder::File>();
      folder_->files[part]->content = content;
    }
    Open();
    ASSERT_EQ(Count(), 8u) << written;
    ASSERT_EQ(damaged_files_, 0);
    // Either all parts, or the whole.
    ASSERT_EQ(folder_->files.size(), written == whole.size() ? 1u : 8u);
    folder_->files[name] = std::make_shared<UnsyncedFolder::File>();
  }
}

TEST_F(RateFilesTest, AFileOfALogThatIsThereIsMadeAgain) {
  Open();
  Write(1, kWindow);
  Write(2, kWindow);
  Open({}, {2});
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(folder_->files.size(), 1u);
}

TEST_F(RateFilesTest, DamageCostsItsWindow) {
  Open();
  RateTable table(10);
  const auto id = table.For(SeriesType::kOperation, "shop", "op", 2);
  table.Add(id, {kWindow, 10}, 1, false);
  table.Add(id, {kWindow + 600, 10}, 1, false);
  files_->Show(files_->Write(table, 1).value());
  std::string& content = folder_->files.begin()->second->content;
  const std::string sound = content;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    content = sound;
    content[at] = static_cast<char>(content[at] ^ 0x10);
    damaged_files_ = 0;
    Open();
    const std::uint64_t count = Count();
    EXPECT_LT(count, 2u) << at;
    EXPECT_EQ(damaged_files_ + files_->damaged_windows().size(), 1u) << at;
    EXPECT_EQ(count, damaged_files_ == 1 ? 0u : 1u) << at;
  }
}

TEST_F(RateFilesTest, NotesOutliveMerges) {
  const RateOptions options = {
      .merge_notes = [](std::span<const std::string> notes, std::uint64_t) {
        std::string all;
        for (const std::string& each : notes) all += each;
        return all;
      }};
  Open(options);
  for (std::uint64_t log = 1; log <= 9; ++log) {
    RateTable table(10);
    table.Add(table.For(SeriesType::kOperation, "shop", "op", 2), {kWindow, 10}, 1, false);
    // Not every log has some; one may have nothing else.
    auto file = files_->Write(log == 3 ? RateTable(10) : std::move(table), log,
                              log % 2 == 0 ? "" : std::to_string(log));
    ASSERT_TRUE(file);
    files_->Show(*file);
    ASSERT_TRUE(files_->Tidy(kWindow));
  }
  EXPECT_EQ(files_->Notes(), (std::vector<std::string>{"1357", "9"}));
  EXPECT_EQ(Count(), 8u);
  Open(options);
  EXPECT_EQ(files_->Notes(), (std::vector<std::string>{"1357", "9"}));
  EXPECT_EQ(Count(), 8u);
}

TEST_F(RateFilesTest, MetricsShareIsKept) {
  Open();
  RateTable table(10);
  Cell cell;
  cell.Add(1'000'000, true);
  cell.from_metrics = 1;
  table.Merge(table.For(SeriesType::kPeer, "shop", "cart:80", 0), {kWindow, 10}, cell);
  files_->Show(files_->Write(table, 1).value());
  int seen = 0;
  files_->Visit(files_->files(), 0, ~std::uint64_t{0}, nullptr,
                [&](const SeriesKey& key, CellTime, const Cell& read) {
                  EXPECT_EQ(key.type, SeriesType::kPeer);
                  EXPECT_EQ(read, cell);
                  ++seen;
                });
  EXPECT_EQ(seen, 1);
}

void SetVersion(std::string& content, char version) {
  content[8] = version;
  std::string check;
  PutNumber(check, Hash64(std::string_view(content).substr(0, 32)));
  content.replace(32, 8, check);
}

// Version 1 has neither notes nor shares of metrics; all else is the same.
TEST_F(RateFilesTest, TheVersionBeforeIsRead) {
  Open();
  for (std::uint64_t log = 2; log <= 8; ++log) Write(log, kWindow);
  RateTable table(10);
  const auto id = table.For(SeriesType::kOperation, "shop", "op", 2);
  table.Add(id, {0, 10}, 1, false);
  table.Add(id, {kWindow, 10}, 1, false);
  files_->Show(files_->Write(table, 1).value());
  for (auto& [name, file] : folder_->files) SetVersion(file->content, 1);
  ASSERT_TRUE(RateFiles::CheckVersions(*disk_));
  Open();
  EXPECT_EQ(damaged_files_, 0);
  EXPECT_EQ(Count(), 9u);
  EXPECT_TRUE(files_->Notes().empty());
  // The window of 1970, which version 2 has no place for, goes with the merge.
  ASSERT_TRUE(files_->Tidy(kWindow));
  EXPECT_EQ(files_->files().size(), 1u);
  EXPECT_EQ(Count(), 8u);
}

TEST_F(RateFilesTest, ANewerVersionIsRefused) {
  Open();
  Write(1, kWindow);
  SetVersion(folder_->files.begin()->second->content, 3);
  const auto known = RateFiles::CheckVersions(*disk_);
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace wirespan::gateway::store::rates
