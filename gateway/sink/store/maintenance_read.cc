// Verify and dump: commands that read.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "common/otlp/json.h"
#include "common/otlp/walk.h"
#include "gateway/sink/store/block_reader.h"
#include "gateway/sink/store/maintenance.h"
#include "gateway/sink/store/query.h"
#include "gateway/sink/store/span_log.h"
#include "gateway/sink/store/store_files.h"

namespace wirespan::gateway::store {

namespace {

constexpr otlp::Signal kTraces = otlp::Signal::kTraces;

// What a file holds, and what of it is damaged.
struct Report {
  std::string holds{};
  std::string damage{};  // empty: none
};

std::string DamageText(const DamageBook::Counts& damage) {
  std::string text;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(damage.pages, "pages");
  add(damage.spans, "spans in them");
  add(damage.indexes, "parts of the index");
  add(damage.log_records, "records");
  return text;
}

// The headers in a block's file that a reader with a sound page table has no need of, but one
// without it would have. `raw` is the same file as the reader's.
std::uint64_t DamagedHeaders(const queue::DiskFile& raw, const BlockReader& reader) {
  std::uint64_t damaged = 0;
  std::string bytes(kBlockHeaderBytes, '\0');
  BlockHeader header;
  if (!raw.Read(0, bytes.data(), bytes.size()) ||
      DecodeBlockHeader(bytes, header) != HeaderRead::kOk) {
    ++damaged;
  }
  bytes.resize(kPageHeaderBytes);
  for (std::uint32_t page = 0; page < reader.page_count(); ++page) {
    PageHeader own;
    const std::uint64_t at = reader.page(page).at;
    if (!raw.Read(at, bytes.data(), bytes.size()) || !DecodePageHeader(bytes, own) ||
        own.at != at) {
      ++damaged;
    }
  }
  return damaged;
}

// Every page, and whether the index leads to each trace in it.
Report VerifyBlock(std::unique_ptr<queue::DiskFile> file, const queue::DiskFile& raw,
                   std::uint64_t number) {
  DamageBook book;
  auto reader = BlockReader::Open(std::move(file), number, book);
  if (!reader) return {.holds = "nothing", .damage = reader.error().message};
  otlp::Decompressor decompressor;
  std::string plain;
  const auto filter = (*reader)->ReadFilter();
  std::uint64_t unfound = 0;
  std::uint64_t columns = 0;
  for (std::uint32_t page = 0; page < (*reader)->page_count(); ++page) {
    if (!(*reader)->Columns(page)) ++columns;
    if (!(*reader)->Payload(page, decompressor, plain)) continue;
    TraceId last;
    ForEachSpanIn(plain, [&](const SpanPlace&, const SpanRow& row) {
      if (row.key.trace == last) return true;
      last = row.key.trace;
      const Term term = TraceTerm(last);
      const Pages pages = (*reader)->PagesWith(std::span(&term, 1));
      const bool led_to = std::binary_search(pages.begin(), pages.end(), page);
      if (!led_to || (filter && !filter->MayHold(term))) ++unfound;
      return true;
    });
  }
  (void)(*reader)->ReadNames();
  (void)(*reader)->ReadEdges();
  Report report{.holds = fmt::format("{} spans in {} pages", (*reader)->info().spans,
                                     (*reader)->page_count()),
                .damage = DamageText(book.counts())};
  if (const std::uint64_t headers = DamagedHeaders(raw, **reader); headers > 0) {
    report.damage += fmt::format(" {} headers", headers);
  }
  if (columns > 0) report.damage += fmt::format(" {} pages' columns", columns);
  if (unfound > 0) report.damage += fmt::format(" {} traces that the index misses", unfound);
  return report;
}

Report VerifyLog(const queue::DiskFile& file) {
  DamageBook book;
  std::uint64_t requests = 0;
  std::uint64_t spans = 0;
  std::uint64_t reports = 0;  // of metrics
  const auto read = SpanLog::Read(
      file,
      [&](std::string request, std::uint64_t) {
        const auto walked = otlp::Walk(kTraces, request, otlp::WalkDepth::kAll);
        if (!walked.ok) return book.LogRecords(1);
        if (walked.items > 0) ++requests;
        if (walked.items == 0) ++reports;
        spans += walked.items;
      },
      book);
  if (!read) return {.holds = "nothing", .damage = read.error().message};
  std::string holds = fmt::format("{} spans in {} requests", spans, requests);
  if (reports > 0) holds += fmt::format(", {} reports of metrics", reports);
  return {.holds = std::move(holds), .damage = DamageText(book.counts())};
}

Report VerifyRates(std::unique_ptr<queue::DiskFile> file, const rates::LogRange& logs) {
  auto opened = rates::RateFile::Open(std::move(file), logs);
  if (!opened) return {.holds = "nothing", .damage = opened.error().message};
  otlp::Decompressor decompressor;
  std::uint64_t damaged = 0;
  std::uint64_t cells = 0;
  for (const rates::WindowPlace& place : (*opened)->windows()) {
    const bool sound = (*opened)->Read(
        place, decompressor,
        [&](const rates::SeriesKey&, rates::CellTime, const rates::Cell&) { ++cells; });
    if (!sound) ++damaged;
  }
  Report report{
      .holds = fmt::format("{} cells in {} windows of rates", cells, (*opened)->windows().size())};
  if (damaged > 0) report.damage = fmt::format("{} windows", damaged);
  return report;
}

// True: somebody is running a store and has deleted the file meanwhile.
bool IsGone(const queue::Disk& disk, const std::string& name) {
  const auto names = disk.List();
  return names && std::find(names->begin(), names->end(), name) == names->end();
}

// The spans of a request that are of this trace; all without one. Empty: none.
std::string Chosen(std::string_view request, const std::optional<TraceId>& trace,
                   std::uint64_t& spans) {
  std::string chosen;
  otlp::Filter(
      kTraces, request,
      [&](std::string_view item) {
        const bool wanted = !trace || ReadSpan(item).key.trace == *trace;
        if (wanted) ++spans;
        return wanted;
      },
      chosen);
  return chosen;
}

}  // namespace

Result<bool> VerifyStore(queue::Disk& disk, const PrintLine& print) {
  auto files = ListStoreFiles(disk);
  if (!files) return tl::unexpected(files.error());
  if (auto left = LeaveOutUnfinished(disk, *files); !left) return tl::unexpected(left.error());
  bool sound = true;
  const auto verify = [&](const std::string& name, const auto& read) {
    auto file = disk.Open(name);
    if (!file && IsGone(disk, name)) return;
    const Report report =
        file ? read(std::move(*file)) : Report{.holds = "nothing", .damage = file.error().message};
    if (report.damage.empty()) return print(fmt::format("{}: {}, sound", name, report.holds));
    sound = false;
    print(fmt::format("{}: {}, DAMAGED: {}", name, report.holds, report.damage));
  };
  using File = std::unique_ptr<queue::DiskFile>;
  for (const std::uint64_t number : files->blocks) {
    verify(FileName(number, kBlockSuffix), [&](File file) -> Report {
      auto raw = disk.Open(FileName(number, kBlockSuffix));
      if (!raw) return {.holds = "nothing", .damage = raw.error().message};
      return VerifyBlock(std::move(file), **raw, number);
    });
  }
  for (const std::uint64_t number : files->logs) {
    verify(FileName(number, kLogSuffix), [&](File file) { return VerifyLog(*file); });
  }
  for (const rates::LogRange& logs : files->rates) {
    verify(rates::RatesFileName(logs),
           [&](File file) { return VerifyRates(std::move(file), logs); });
  }
  return sound;
}

Result<std::uint64_t> DumpStore(queue::Disk& disk, const std::optional<TraceId>& trace,
                                const PrintLine& print) {
  auto files = ListStoreFiles(disk);
  if (!files) return tl::unexpected(files.error());
  if (auto left = LeaveOutUnfinished(disk, *files); !left) return tl::unexpected(left.error());
  std::uint64_t spans = 0;
  DamageBook book;
  const auto dump = [&](std::string_view request) {
    const std::string chosen = Chosen(request, trace, spans);
    if (chosen.empty()) return;
    if (const auto json = otlp::RequestToJson(kTraces, chosen)) print(*json);
  };
  for (const std::uint64_t number : files->blocks) {
    auto file = disk.Open(FileName(number, kBlockSuffix));
    if (!file) continue;  // retention took it
    const auto reader = BlockReader::Open(std::move(*file), number, book);
    if (!reader) continue;  // `verify` tells of it
    Pages pages((*reader)->page_count());
    std::iota(pages.begin(), pages.end(), 0u);
    if (trace) {
      const Term term = TraceTerm(*trace);
      pages = (*reader)->PagesWith(std::span(&term, 1));
    }
    otlp::Decompressor decompressor;
    std::string plain;
    for (const std::uint32_t page : pages) {
      if ((*reader)->Payload(page, decompressor, plain)) dump(plain);
    }
  }
  for (const std::uint64_t number : files->logs) {
    auto file = disk.Open(FileName(number, kLogSuffix));
    if (!file) continue;
    const auto read =
        SpanLog::Read(**file, [&](std::string request, std::uint64_t) { dump(request); }, book);
    if (!read) return tl::unexpected(read.error());
  }
  return spans;
}

}  // namespace wirespan::gateway::store
