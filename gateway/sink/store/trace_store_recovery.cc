// What a TraceStore does with the files of an earlier life.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/otlp/walk.h"
#include "common/telemetry/log.h"
#include "gateway/sink/store/store_files.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::uint64_t kClient = 3;

// A log and a block of one number: the block was being made of the log. Which of them counts is
// decided by the block's footer, which is written when everything before it is safe.
Result<> SettlePairs(queue::Disk& disk, StoreFiles& files) {
  for (const std::uint64_t number : std::set<std::uint64_t>(files.logs)) {
    if (!files.blocks.contains(number)) continue;
    auto block = disk.Open(FileName(number, kBlockSuffix));
    if (!block) return tl::unexpected(block.error());
    const bool whole = BlockReader::Complete(**block);
    (whole ? files.logs : files.blocks).erase(number);
    if (auto removed = disk.Remove(FileName(number, whole ? kLogSuffix : kBlockSuffix)); !removed) {
      return removed;
    }
  }
  return {};
}

// Of all files, before any is touched.
Result<> CheckVersions(queue::Disk& disk, const StoreFiles& files) {
  for (const std::uint64_t number : files.blocks) {
    auto file = disk.Open(FileName(number, kBlockSuffix));
    if (!file) return tl::unexpected(file.error());
    std::string front(kBlockHeaderBytes, '\0');
    auto got = (*file)->Read(0, front.data(), front.size());
    if (!got) return tl::unexpected(got.error());
    BlockHeader header;
    if (DecodeBlockHeader(front, header) != HeaderRead::kNewer) continue;
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} has format version {} and this program knows up to {}; nothing was "
                            "changed",
                            FileName(number, kBlockSuffix), header.version, kBlockVersion));
  }
  for (const std::uint64_t number : files.logs) {
    if (auto known = SpanLog::CheckVersion(disk, number); !known) return known;
  }
  return {};
}

}  // namespace

Result<> TraceStore::Recover() {
  auto files = ListStoreFiles(*disk_);
  if (!files) return tl::unexpected(files.error());
  if (auto known = CheckVersions(*disk_, *files); !known) return known;
  if (auto known = rates::RateFiles::CheckVersions(*disk_); !known) return known;
  if (auto settled = SettlePairs(*disk_, *files); !settled) return settled;
  auto rates = rate_files_.Recover(files->logs, [&](const std::string& message) {
    log::Warn("store {}: {}", options_.directory, message);
    ++damaged_rate_files_;
  });
  if (!rates) return rates;
  disk_bytes_ += rate_files_.bytes();
  for (const std::string& notes : rate_files_.Notes()) {
    if (!ledger_.Load(notes)) ++damaged_rate_files_;
  }
  for (const std::uint64_t number : files->blocks) {
    if (auto opened = RecoverBlock(number); !opened) return opened;
    next_number_ = std::max(next_number_, number + 1);
  }
  for (const std::uint64_t number : files->logs) {
    next_number_ = std::max(next_number_, number + 1);
    if (auto read = RecoverLog(number, number == *files->logs.rbegin()); !read) return read;
  }
  if (!active_) {
    auto log = SpanLog::Create(*disk_, next_number_, options_.sync);
    if (!log) return tl::unexpected(log.error());
    log_ = std::move(*log);
    disk_bytes_ += log_->bytes();
    active_ = std::make_shared<Memtable>(next_number_++, LimitsOfRates());
  }
  KeepFilters();
  ledger_.ClearCounts();  // what an earlier life decided was counted then
  RecallLatestBlocks(clock_.realtime_ns());
  if (sealed_) AddToTotals(*sealed_, before_opening_);
  if (sealed_) AddToTotals(*sealed_, totals_);
  AddToTotals(*active_, before_opening_);
  opened_ = active_->rows().size() + (sealed_ ? sealed_->rows().size() : 0);
  for (const BlockInfo& block : blocks_) opened_ += block.spans;
  return {};
}

Result<> TraceStore::RecoverBlock(std::uint64_t number) {
  auto file = disk_->Open(FileName(number, kBlockSuffix));
  if (!file) return tl::unexpected(file.error());
  const std::uint64_t bytes = (*file)->Size().value_or(0);
  disk_bytes_ += bytes;
  auto reader = BlockReader::Open(std::move(*file), number, damage_);
  if (reader) {
    blocks_.push_back((*reader)->info());
    blocks_.back().filter = (*reader)->ReadFilter();
    catalog_.Add(number, (*reader)->ReadNames());
    return {};
  }
  if (reader.error().code != ErrorCode::kInvalidArgument) return tl::unexpected(reader.error());
  // Nothing of it can be read. It is left where it is, for whoever wants to look, until its bytes
  // are needed.
  log::Warn("store {}: {}", options_.directory, reader.error().message);
  damage_.File();
  blocks_.push_back({.number = number, .bytes = bytes, .last_received_ns = clock_.realtime_ns()});
  return {};
}

// The last log is gone on with; the one before it was about to become a block, which the builder
// does as soon as it runs. There are no others unless somebody put them there.
Result<> TraceStore::RecoverLog(std::uint64_t number, bool last) {
  auto table = std::make_shared<Memtable>(number, LimitsOfRates());
  auto log = SpanLog::Recover(
      *disk_, number, options_.sync,
      [&](std::string request, std::uint64_t received_ns) {
        if (!otlp::Walk(otlp::Signal::kTraces, request, otlp::WalkDepth::kAll).ok) {
          damage_.LogRecords(1);
          return;
        }
        RecallLatestBlocks(received_ns);
        ledger_.Begin(received_ns);
        const std::size_t first = table->rows().size();
        SpanRows rows = ReadRows(std::move(request));
        if (rows.rows.empty()) {
          return TakePoints(red::DecodeRedRecord(*rows.text), received_ns, *table);
        }
        table->Insert(std::move(rows), received_ns, &recent_, &ledger_);
        table->JoinCalls(first, received_ns, recent_);
      },
      damage_);
  if (!log) return tl::unexpected(log.error());
  disk_bytes_ += (*log)->bytes();
  catalog_.Add(number, table->names());
  if (last) {
    log_ = std::move(*log);
    active_ = std::move(table);
    return {};
  }
  if (sealed_) {  // the builder has one place: make room for this one
    if (auto built = BuildSealed(); !built) return built;
    sealed_waits_ = false;
  }
  table->SetNotes(ledger_.TakeChanges());
  if (table->rows().empty() && table->rates().empty() && table->notes().empty()) {
    Release((*log)->bytes());
    return disk_->Remove(FileName(number, kLogSuffix));
  }
  sealed_ = std::move(table);
  sealed_log_bytes_ = (*log)->bytes();
  sealed_waits_ = true;
  return {};
}

// Spans of the latest blocks are recent again: they may be delivered once more, and be one end of a
// call whose other end is in a log or to come. The calls among themselves are in files of rates.
void TraceStore::RecallLatestBlocks(std::uint64_t now_ns) {
  if (std::exchange(blocks_recalled_, true)) return;
  constexpr std::uint64_t kLatestNs = 120'000'000'000;  // what two generations hold
  auto first = blocks_.end();
  std::uint64_t spans = 0;
  while (first != blocks_.begin() && std::prev(first)->last_received_ns + kLatestNs >= now_ns &&
         spans < options_.recent_spans / 2) {
    --first;
    spans += first->spans;
  }
  const rates::RecentSpans::Visit counted = [](const rates::Call&) {};
  otlp::Decompressor decompressor;
  std::string plain;
  for (; first != blocks_.end(); ++first) {
    const auto reader = cache_.Get(first->number);
    if (!reader) continue;
    for (std::uint32_t page = 0; page < reader->page_count(); ++page) {
      if (!reader->Payload(page, decompressor, plain)) continue;
      ForEachSpanIn(plain, [&](const SpanPlace& place, const SpanRow& row) {
        const std::string peer = ReadSpanFacts(row.span, row.key.kind).Peer();
        recent_.AddSpan(row.key, place.service, first->last_received_ns, counted,
                        {.peer = row.key.kind == kClient ? std::string_view(peer) : "",
                         .start_ns = row.start_ns,
                         .duration_ns = row.duration_ns,
                         .error = row.error});
        if (row.parent == 0) return true;
        recent_.AddChild(row.key.trace,
                         {.parent = row.parent,
                          .start_ns = row.start_ns,
                          .duration_ns = row.duration_ns,
                          .error = row.error,
                          .serves = Serves(row.key.kind)},
                         place.service, counted);
        return true;
      });
    }
  }
}

}  // namespace wirespan::gateway::store
