// Back up and delete: commands that write.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/otlp/walk.h"
#include "gateway/sink/store/block_reader.h"
#include "gateway/sink/store/block_writer.h"
#include "gateway/sink/store/maintenance.h"
#include "gateway/sink/store/span_log.h"
#include "gateway/sink/store/store_files.h"

namespace wirespan::gateway::store {

namespace {

constexpr int kAttempts = 20;  // to see a folder that holds still
constexpr std::size_t kPiece = 1u << 20;
// Of files that are being written; no store opens one.
constexpr std::string_view kNewBlock = ".blk.new";
constexpr std::string_view kNewLog = ".wal.new";

using Opened = std::map<std::string, std::unique_ptr<queue::DiskFile>>;

// The files of one moment: a store that makes a block of a log, or merges rates, changes the list
// while it does. Files that are open stay readable. Blocks are opened later, because there may be
// thousands.
Result<Opened> OpenOneMoment(queue::Disk& disk, StoreFiles& files) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto before = ListStoreFiles(disk);
    if (!before) return tl::unexpected(before.error());
    Opened opened;
    const auto open = [&](const std::string& name) {
      auto file = disk.Open(name);
      if (file) opened[name] = std::move(*file);
    };
    for (const std::uint64_t number : before->logs) open(FileName(number, kLogSuffix));
    for (const rates::LogRange& logs : before->rates) open(rates::RatesFileName(logs));
    auto after = ListStoreFiles(disk);
    if (!after) return tl::unexpected(after.error());
    files = std::move(*before);
    if (files == *after && opened.size() == files.logs.size() + files.rates.size()) return opened;
  }
  return Fail(ErrorCode::kUnavailable, "the folder changes all the time; try again");
}

Result<> Copy(const queue::DiskFile& from, queue::Disk& to, const std::string& name) {
  auto size = from.Size();
  if (!size) return tl::unexpected(size.error());
  auto copy = to.Create(name);
  if (!copy) return tl::unexpected(copy.error());
  std::string piece;
  for (std::uint64_t at = 0; at < *size; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, *size - at)));
    auto got = from.Read(at, piece.data(), piece.size());
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    piece.resize(*got);
    const std::string_view view(piece);
    if (auto written = (*copy)->Write(at, std::span(&view, 1)); !written) return written;
  }
  return (*copy)->Sync();
}

// The spans of a request that are not of this trace; `removed` counts the others.
std::string Without(std::string_view request, const TraceId& trace, std::uint64_t& removed) {
  std::string rest;
  removed += otlp::Filter(
      otlp::Signal::kTraces, request,
      [&](std::string_view item) { return ReadSpan(item).key.trace != trace; }, rest);
  return rest;
}

// Puts the finished file in the place of the one that it was made of.
Result<> Replace(queue::Disk& disk, const std::string& made, const std::string& name) {
  if (auto renamed = disk.Rename(made, name); !renamed) return renamed;
  return disk.SyncFolder();
}

Result<std::uint64_t> DeleteFromBlock(queue::Disk& disk, std::uint64_t number,
                                      const TraceId& trace) {
  const std::string name = FileName(number, kBlockSuffix);
  auto file = disk.Open(name);
  if (!file) return tl::unexpected(file.error());
  std::string front(kBlockHeaderBytes, '\0');
  if (auto got = (*file)->Read(0, front.data(), front.size()); !got) {
    return tl::unexpected(got.error());
  }
  DamageBook book;
  auto reader = BlockReader::Open(std::move(*file), number, book);
  if (!reader) return tl::unexpected(reader.error());
  const Term term = TraceTerm(trace);
  if ((*reader)->PagesWith(std::span(&term, 1)).empty()) return 0;
  BlockHeader header;
  if (DecodeBlockHeader(front, header) != HeaderRead::kOk) {
    header.first_received_ns = (*reader)->info().last_received_ns;
  }
  Memtable rest(number);
  otlp::Decompressor decompressor;
  std::string plain;
  std::uint64_t removed = 0;
  for (std::uint32_t page = 0; page < (*reader)->page_count(); ++page) {
    if (!(*reader)->Payload(page, decompressor, plain)) {
      return Fail(ErrorCode::kInvalidArgument,
                  name + " has damaged pages, which may hold the trace; nothing of it was changed");
    }
    // The last request's time stays the last, and the first one's the first where there are two.
    const bool first = page == 0 && (*reader)->page_count() > 1;
    const std::uint64_t received_ns =
        first ? header.first_received_ns : (*reader)->info().last_received_ns;
    rest.Insert(ReadRows(Without(plain, trace, removed)), received_ns);
  }
  if (removed == 0) return 0;
  if (rest.rows().empty()) {
    if (auto gone = disk.Remove(name); !gone) return tl::unexpected(gone.error());
    return removed;
  }
  const std::string made = FileName(number, kNewBlock);
  auto out = disk.Create(made);
  if (!out) return tl::unexpected(out.error());
  const auto written = WriteBlock(rest, {}, **out, [](std::uint64_t) -> Result<> { return {}; });
  if (!written) return tl::unexpected(written.error());
  if (auto done = Replace(disk, made, name); !done) return tl::unexpected(done.error());
  return removed;
}

Result<std::uint64_t> DeleteFromLog(queue::Disk& disk, std::uint64_t number, const TraceId& trace) {
  const std::string name = FileName(number, kLogSuffix);
  auto file = disk.Open(name);
  if (!file) return tl::unexpected(file.error());
  auto log = SpanLog::Create(disk, number, false, kNewLog);
  if (!log) return tl::unexpected(log.error());
  DamageBook book;
  std::uint64_t removed = 0;
  Result<> written;
  const auto read = SpanLog::Read(
      **file,
      [&](std::string request, std::uint64_t received_ns) {
        if (!written) return;
        // A request without spans is points of metrics, which rates go on counting.
        const bool points =
            otlp::Walk(otlp::Signal::kTraces, request, otlp::WalkDepth::kItems).items == 0;
        const std::string rest = points ? request : Without(request, trace, removed);
        if (rest.empty()) return;
        const std::string_view piece(rest);
        const auto spans = static_cast<std::uint32_t>(
            otlp::Walk(otlp::Signal::kTraces, rest, otlp::WalkDepth::kItems).items);
        written = (*log)->Append(std::span(&piece, 1), std::span(&spans, 1), received_ns);
      },
      book);
  if (!read) return tl::unexpected(read.error());
  if (!written) return tl::unexpected(written.error());
  const std::string made = FileName(number, kNewLog);
  if (removed == 0) {
    if (auto gone = disk.Remove(made); !gone) return tl::unexpected(gone.error());
    return 0;
  }
  if (auto synced = (*log)->Sync(); !synced) return tl::unexpected(synced.error());
  if (auto done = Replace(disk, made, name); !done) return tl::unexpected(done.error());
  return removed;
}

}  // namespace

Result<std::uint64_t> BackUpStore(queue::Disk& from, queue::Disk& to) {
  auto there = to.List();
  if (!there) return tl::unexpected(there.error());
  if (!there->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the folder to copy to is not empty");
  }
  StoreFiles files;
  auto opened = OpenOneMoment(from, files);
  if (!opened) return tl::unexpected(opened.error());
  std::uint64_t copied = 0;
  const auto copy = [&](const std::string& name, const queue::DiskFile& file) -> Result<> {
    if (auto done = Copy(file, to, name); !done) return Wrap(name, std::move(done.error()));
    ++copied;
    return {};
  };
  for (const auto& [name, file] : *opened) {
    if (auto done = copy(name, *file); !done) return tl::unexpected(done.error());
  }
  for (const std::uint64_t number : files.blocks) {
    const std::string name = FileName(number, kBlockSuffix);
    auto file = from.Open(name);
    if (!file) continue;  // retention took it
    if (auto done = copy(name, **file); !done) return tl::unexpected(done.error());
  }
  if (auto synced = to.SyncFolder(); !synced) return tl::unexpected(synced.error());
  return copied;
}

Result<std::uint64_t> DeleteTrace(queue::Disk& disk, const TraceId& trace) {
  auto files = ListStoreFiles(disk);
  if (!files) return tl::unexpected(files.error());
  if (auto left = LeaveOutUnfinished(disk, *files); !left) return tl::unexpected(left.error());
  std::uint64_t removed = 0;
  for (const std::uint64_t number : files->blocks) {
    auto count = DeleteFromBlock(disk, number, trace);
    if (!count) return tl::unexpected(count.error());
    removed += *count;
  }
  for (const std::uint64_t number : files->logs) {
    auto count = DeleteFromLog(disk, number, trace);
    if (!count) return tl::unexpected(count.error());
    removed += *count;
  }
  return removed;
}

}  // namespace wirespan::gateway::store
