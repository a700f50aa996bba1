#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/rates/rate_file.h"

namespace wirespan::gateway::store::rates {

struct RateOptions {
  std::size_t max_series = 4096;                // of a table, and of a window after a merge
  std::uint64_t max_age_s = 0;                  // of a window's end; 0: none
  std::uint64_t max_bytes = ~std::uint64_t{0};  // of all files: the oldest go
  bool sync = true;
  // Makes one of several files' notes, in the order of their logs.
  std::function<std::string(std::span<const std::string> notes, std::uint64_t now_s)> merge_notes{};
};

// The files of rates of a store. One file is made with each block; as soon as eight of (about) the
// same size stand at the end they are merged, cells are rolled up by their age, and what is too old
// is left out. So a question reads few files, and a week is small. A merged file replaces those
// whose logs it holds: what is left of them after a crash is removed when it is found.
//
// Changed by one thread, read by any.
class RateFiles {
 public:
  using Files = std::vector<std::shared_ptr<const RateFile>>;  // by their logs
  // The bytes of all files of the store are counted elsewhere.
  struct Accounts {
    std::function<Result<>(std::uint64_t bytes)> reserve{};
    std::function<void(std::uint64_t bytes)> release{};
  };

  RateFiles(queue::Disk& disk, RateOptions options, Accounts accounts)
      : disk_(disk), options_(options), accounts_(std::move(accounts)) {}

  // kUnsupported: there is one of a newer version; nothing was changed.
  static Result<> CheckVersions(queue::Disk& disk);
  // What an earlier life left. A file of a log that is still there is removed: it will be made
  // again. Damaged ones are told to `damaged` and left where they are. Bytes are not
  // reserved: see bytes().
  Result<> Recover(const std::set<std::uint64_t>& logs,
                   const std::function<void(const std::string& message)>& damaged);

  // Writes a table's cells, without showing them yet: that is Show's, so that the caller can take
  // the table away in the same moment. A file of the same name is written over.
  Result<std::shared_ptr<const RateFile>> Write(const RateTable& table, std::uint64_t log,
                                                std::string_view notes = {});
  void Show(std::shared_ptr<const RateFile> file);
  void Discard(const RateFile& file);  // one that was never shown
  // Merges what there is to merge, and removes what is too old or too much.
  Result<> Tidy(std::uint64_t now_s);
  void RemoveOld(std::uint64_t now_s);

  Files files() const;
  // Of all files, in the order of their logs; those of damaged ones are missing.
  std::vector<std::string> Notes() const;
  std::uint64_t bytes() const;
  // Whether the spans of this log are counted in one of the files.
  bool Holds(std::uint64_t log) const;
  std::uint64_t removed_windows() const { return removed_windows_; }
  std::uint64_t folded_cells() const { return folded_cells_; }
  std::set<std::pair<LogRange, std::uint64_t>> damaged_windows() const;

  // Visits all cells of windows in [first_s, last_s], in no order. False: `stop` ended it.
  bool Visit(const Files& files, std::uint64_t first_s, std::uint64_t last_s,
             const std::function<bool()>& stop, const VisitCell& visit) const;

 private:
  Result<std::shared_ptr<const RateFile>> Make(
      const LogRange& logs, const std::function<Result<>(RateFileWriter& writer)>& fill);
  Result<> Merge(const Files& inputs, std::uint64_t now_s);
  void ReadNotes(const RateFile& file, otlp::Decompressor& decompressor, std::string& notes) const;
  bool TooOld(std::uint64_t window_s, std::uint64_t now_s) const;
  void Remove(const std::shared_ptr<const RateFile>& file);
  void ReadWindow(const RateFile& file, std::uint64_t window_s, otlp::Decompressor& decompressor,
                  const VisitCell& visit) const;

  queue::Disk& disk_;
  const RateOptions options_;
  const Accounts accounts_;
  mutable std::mutex mutex_;  // guards files_ and damaged_
  Files files_{};
  mutable std::set<std::pair<LogRange, std::uint64_t>> damaged_{};
  std::atomic<std::uint64_t> removed_windows_{0};  // by age or bytes
  std::atomic<std::uint64_t> folded_cells_{0};     // into "(other)", by merges
};

}  // namespace wirespan::gateway::store::rates
