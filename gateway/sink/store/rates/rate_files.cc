#include "gateway/sink/store/rates/rate_files.h"

#include <algorithm>
#include <bit>

#include "gateway/sink/store/rates/fold.h"

namespace wirespan::gateway::store::rates {

namespace {

constexpr std::size_t kMergeAt = 8;

// How often the spans of a file were merged, as far as its logs tell: 0 for one log, 1 from eight
// on.
unsigned Tier(const RateFile& file) {
  const std::uint64_t logs = file.logs().last - file.logs().first + 1;
  return static_cast<unsigned>(std::bit_width(logs) - 1) / 3;
}

// The files at the end that are to be one.
RateFiles::Files Mergeable(const RateFiles::Files& files) {
  if (files.size() < kMergeAt) return {};
  const auto first = files.end() - kMergeAt;
  const unsigned tier = Tier(*files.back());
  const bool alike =
      std::all_of(first, files.end(), [&](const auto& file) { return Tier(*file) == tier; });
  return alike ? RateFiles::Files(first, files.end()) : RateFiles::Files();
}

std::set<std::uint64_t> WindowsOf(const RateTable& table) {
  std::set<std::uint64_t> windows;
  for (const RateTable::Series& series : table.series()) {
    for (const auto& [time, cell] : series.cells) {
      windows.insert(time.start_s - time.start_s % kWindowS);
    }
  }
  return windows;
}

std::set<std::uint64_t> WindowsOf(const RateFiles::Files& files) {
  std::set<std::uint64_t> windows;
  for (const auto& file : files) {
    for (const WindowPlace& place : file->windows()) windows.insert(place.window_s);
  }
  return windows;
}

}  // namespace

Result<> RateFiles::CheckVersions(queue::Disk& disk) {
  auto names = disk.List();
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    LogRange logs;
    if (!ParseRatesFileName(name, logs)) continue;
    auto file = disk.Open(name);
    if (!file) return tl::unexpected(file.error());
    const auto opened = RateFile::Open(std::move(*file), logs);
    if (!opened && opened.error().code == ErrorCode::kUnsupported) {
      return tl::unexpected(opened.error());
    }
  }
  return {};
}

Result<> RateFiles::Recover(const std::set<std::uint64_t>& logs,
                            const std::function<void(const std::string& message)>& damaged) {
  auto names = disk_.List();
  if (!names) return tl::unexpected(names.error());
  Files found;
  std::vector<std::pair<LogRange, std::string>> unreadable;
  for (const std::string& name : *names) {
    LogRange range;
    if (!ParseRatesFileName(name, range)) continue;
    const auto log = logs.lower_bound(range.first);
    if (log != logs.end() && *log <= range.last) {
      if (auto removed = disk_.Remove(name); !removed) return removed;
      continue;
    }
    auto file = disk_.Open(name);
    if (!file) return tl::unexpected(file.error());
    auto opened = RateFile::Open(std::move(*file), range);
    if (opened) {
      found.push_back(std::move(*opened));
    } else if (opened.error().code == ErrorCode::kInvalidArgument) {
      unreadable.emplace_back(range, opened.error().message);
    } else {
      return tl::unexpected(opened.error());
    }
  }
  for (const auto& file : found) {
    const bool replaced = std::any_of(found.begin(), found.end(), [&](const auto& other) {
      return other != file && other->logs().Holds(file->logs());
    });
    if (replaced) {
      if (auto removed = disk_.Remove(RatesFileName(file->logs())); !removed) return removed;
      continue;
    }
    Show(file);
  }
  for (const auto& [range, message] : unreadable) {
    // One whose parts are there was being merged of them.
    const bool begun = std::any_of(found.begin(), found.end(), [&, &of = range](const auto& file) {
      return of.Holds(file->logs());
    });
    if (!begun) {
      damaged(message);
    } else if (auto removed = disk_.Remove(RatesFileName(range)); !removed) {
      return removed;
    }
  }
  return {};
}

Result<std::shared_ptr<const RateFile>> RateFiles::Make(
    const LogRange& logs, const std::function<Result<>(RateFileWriter& writer)>& fill) {
  const std::string name = RatesFileName(logs);
  std::uint64_t reserved = 0;
  const auto give_up = [&](Error error) {
    (void)disk_.Remove(name);  // one that stays is written over, or removed by the next opening
    accounts_.release(reserved);
    return Wrap("rates " + name, std::move(error));
  };
  auto file = disk_.Create(name);
  if (!file) return give_up(std::move(file.error()));
  const RateFileWriter::Reserve reserve = [&](std::uint64_t bytes) {
    auto room = accounts_.reserve(bytes);
    if (room) reserved += bytes;
    return room;
  };
  RateFileWriter writer(**file, logs, reserve);
  if (auto filled = fill(writer); !filled) return give_up(std::move(filled.error()));
  if (auto done = writer.Finish(options_.sync); !done) return give_up(std::move(done.error()));
  if (options_.sync) {
    if (auto synced = disk_.SyncFolder(); !synced) return give_up(std::move(synced.error()));
  }
  auto opened = RateFile::Open(std::move(*file), logs);
  if (!opened) return give_up(std::move(opened.error()));
  return opened;
}

Result<std::shared_ptr<const RateFile>> RateFiles::Write(const RateTable& table, std::uint64_t log,
                                                         std::string_view notes) {
  return Make({log, log}, [&](RateFileWriter& writer) -> Result<> {
    if (!notes.empty()) {
      if (auto added = writer.AddNotes(notes); !added) return added;
    }
    for (const std::uint64_t window_s : WindowsOf(table)) {
      if (auto added = writer.Add(window_s, EncodeWindow(table, window_s)); !added) return added;
    }
    return {};
  });
}

void RateFiles::Show(std::shared_ptr<const RateFile> file) {
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), file->logs(),
      [](const LogRange& logs, const auto& other) { return logs < other->logs(); });
  files_.insert(after, std::move(file));
}

void RateFiles::Discard(const RateFile& file) {
  if (disk_.Remove(RatesFileName(file.logs()))) accounts_.release(file.bytes());
}

Result<> RateFiles::Tidy(std::uint64_t now_s) {
  RemoveOld(now_s);
  for (;;) {
    const Files inputs = Mergeable(files());
    if (inputs.empty()) return {};
    if (auto merged = Merge(inputs, now_s); !merged) return merged;
  }
}

bool RateFiles::TooOld(std::uint64_t window_s, std::uint64_t now_s) const {
  if (window_s == 0) return true;  // of version 1: where notes stand now
  return options_.max_age_s > 0 && window_s + kWindowS + options_.max_age_s < now_s;
}

void RateFiles::RemoveOld(std::uint64_t now_s) {
  for (const auto& file : files()) {
    const auto& windows = file->windows();
    if (!windows.empty() && TooOld(windows.back().window_s, now_s)) Remove(file);
  }
  while (bytes() > options_.max_bytes) Remove(files().front());
}

void RateFiles::Remove(const std::shared_ptr<const RateFile>& file) {
  {
    const std::lock_guard lock(mutex_);
    std::erase(files_, file);
    std::erase_if(damaged_, [&](const auto& entry) { return entry.first == file->logs(); });
  }
  removed_windows_ += file->windows().size();
  if (disk_.Remove(RatesFileName(file->logs()))) accounts_.release(file->bytes());
}

Result<> RateFiles::Merge(const Files& inputs, std::uint64_t now_s) {
  const LogRange logs{inputs.front()->logs().first, inputs.back()->logs().last};
  otlp::Decompressor decompressor;
  std::uint64_t left_out = 0;
  std::uint64_t folded = 0;
  std::vector<std::string> notes(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) ReadNotes(*inputs[i], decompressor, notes[i]);
  std::erase(notes, "");
  auto merged = Make(logs, [&](RateFileWriter& writer) -> Result<> {
    if (!notes.empty() && options_.merge_notes) {
      if (auto added = writer.AddNotes(options_.merge_notes(notes, now_s)); !added) return added;
    }
    for (const std::uint64_t window_s : WindowsOf(inputs)) {
      if (TooOld(window_s, now_s)) {
        ++left_out;
        continue;
      }
      CellSum sum;
      for (const auto& file : inputs) {
        ReadWindow(*file, window_s, decompressor,
                   [&](const SeriesKey& key, CellTime time, const Cell& cell) {
                     sum[key][RollUp(time, now_s)].Merge(cell);
                   });
      }
      RateTable table(~std::size_t{0});
      folded += Fold(sum, options_.max_series, table);
      if (auto added = writer.Add(window_s, EncodeWindow(table, window_s)); !added) return added;
    }
    return {};
  });
  if (!merged) return tl::unexpected(merged.error());
  {
    const std::lock_guard lock(mutex_);
    for (const auto& input : inputs) {
      std::erase(files_, input);
      std::erase_if(damaged_, [&](const auto& entry) { return entry.first == input->logs(); });
    }
  }
  Show(std::move(*merged));
  removed_windows_ += left_out;
  folded_cells_ += folded;
  for (const auto& input : inputs) {
    if (disk_.Remove(RatesFileName(input->logs()))) accounts_.release(input->bytes());
  }
  return {};
}

RateFiles::Files RateFiles::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

void RateFiles::ReadNotes(const RateFile& file, otlp::Decompressor& decompressor,
                          std::string& notes) const {
  if (file.ReadNotes(decompressor, notes)) return;
  notes.clear();
  const std::lock_guard lock(mutex_);
  damaged_.insert({file.logs(), 0});
}

std::vector<std::string> RateFiles::Notes() const {
  std::vector<std::string> all;
  otlp::Decompressor decompressor;
  for (const auto& file : files()) ReadNotes(*file, decompressor, all.emplace_back());
  std::erase(all, "");
  return all;
}

std::uint64_t RateFiles::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : files()) sum += file->bytes();
  return sum;
}

bool RateFiles::Holds(std::uint64_t log) const {
  const Files all = files();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& file) { return file->logs().Holds({log, log}); });
}

std::set<std::pair<LogRange, std::uint64_t>> RateFiles::damaged_windows() const {
  const std::lock_guard lock(mutex_);
  return damaged_;
}

void RateFiles::ReadWindow(const RateFile& file, std::uint64_t window_s,
                           otlp::Decompressor& decompressor, const VisitCell& visit) const {
  const WindowPlace* place = file.Find(window_s);
  if (place == nullptr || file.Read(*place, decompressor, visit)) return;
  const std::lock_guard lock(mutex_);
  damaged_.insert({file.logs(), window_s});
}

bool RateFiles::Visit(const Files& files, std::uint64_t first_s, std::uint64_t last_s,
                      const std::function<bool()>& stop, const VisitCell& visit) const {
  otlp::Decompressor decompressor;
  for (const auto& file : files) {
    for (const WindowPlace& place : file->windows()) {
      if (place.window_s + kWindowS <= first_s || place.window_s > last_s) continue;
      if (stop && stop()) return false;
      ReadWindow(*file, place.window_s, decompressor, visit);
    }
  }
  return true;
}

}  // namespace wirespan::gateway::store::rates
