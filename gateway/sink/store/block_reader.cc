#include "gateway/sink/store/block_reader.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "common/base/hash.h"

namespace wirespan::gateway::store {

namespace {

// Parts of an index, for the book.
enum Part : std::uint64_t {
  kFooter,
  kPageTable,
  kDirectory,
  kNames,
  kEdges,
  kTraceFilter,
  kBuckets,  // and their places after it: the last one
};

constexpr std::size_t kWindow = 64u << 10;

}  // namespace

Result<std::shared_ptr<BlockReader>> BlockReader::Open(std::unique_ptr<queue::DiskFile> file,
                                                       std::uint64_t number, DamageBook& book) {
  std::shared_ptr<BlockReader> reader(new BlockReader(std::move(file), number, book));
  if (auto loaded = reader->Load(); !loaded) return tl::unexpected(loaded.error());
  return reader;
}

bool BlockReader::Complete(const queue::DiskFile& file) {
  const std::uint64_t size = file.Size().value_or(0);
  if (size < kBlockHeaderBytes + kBlockFooterBytes) return false;
  std::string bytes(kBlockFooterBytes, '\0');
  const auto got = file.Read(size - kBlockFooterBytes, bytes.data(), bytes.size());
  BlockFooter footer;
  return got && *got == bytes.size() && DecodeBlockFooter(bytes, size, footer);
}

std::optional<std::string> BlockReader::Read(std::uint64_t at, std::uint64_t bytes) const {
  if (at > info_.bytes || bytes > info_.bytes - at) return std::nullopt;
  std::string content(static_cast<std::size_t>(bytes), '\0');
  const auto got = file_->Read(at, content.data(), content.size());
  if (!got || *got != content.size()) return std::nullopt;
  return content;
}

std::optional<std::string> BlockReader::ReadSection(const Section& section,
                                                    std::uint64_t part) const {
  if (!has_footer_) return std::nullopt;
  auto content = Read(section.at, section.bytes);
  if (content && Hash64(*content) == section.check) return content;
  book_.Index(info_.number, part);
  return std::nullopt;
}

Result<> BlockReader::Load() {
  auto size = file_->Size();
  if (!size) return tl::unexpected(size.error());
  info_.bytes = *size;
  BlockHeader header;
  const auto front = Read(0, std::min<std::uint64_t>(info_.bytes, kBlockHeaderBytes));
  if (front && DecodeBlockHeader(*front, header) == HeaderRead::kNewer) {
    return Fail(ErrorCode::kUnsupported,
                FileName(info_.number, kBlockSuffix) + " has format version " +
                    std::to_string(header.version) + " and this program knows up to " +
                    std::to_string(kBlockVersion) + "; nothing was changed");
  }
  info_.last_received_ns = header.last_received_ns;
  if (info_.bytes >= kBlockHeaderBytes + kBlockFooterBytes) {
    const auto back = Read(info_.bytes - kBlockFooterBytes, kBlockFooterBytes);
    has_footer_ = back && DecodeBlockFooter(*back, info_.bytes, footer_);
  }
  if (!has_footer_) book_.Index(info_.number, kFooter);
  if (!LoadIndex()) ScanPages();
  if (pages_.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                FileName(info_.number, kBlockSuffix) + " holds no page that can be read");
  }
  info_.min_start_ns = ~std::uint64_t{0};
  for (const PageHeader& page : pages_) {
    info_.spans += page.rows;
    info_.min_start_ns = std::min(info_.min_start_ns, page.min_start_ns);
    info_.max_start_ns = std::max(info_.max_start_ns, page.max_start_ns);
  }
  // Of a damaged header: as if it had come when its last span began.
  if (info_.last_received_ns == 0) info_.last_received_ns = info_.max_start_ns;
  return {};
}

bool BlockReader::LoadIndex() {
  const auto table = ReadSection(footer_.page_table, kPageTable);
  if (!table || table->empty() || table->size() % kPageHeaderBytes != 0) return false;
  for (std::size_t at = 0; at < table->size(); at += kPageHeaderBytes) {
    PageHeader page;
    if (!DecodePageHeader(std::string_view(*table).substr(at), page)) {
      pages_.clear();
      return false;
    }
    pages_.push_back(page);
  }
  if (const auto directory = ReadSection(footer_.directory, kDirectory)) {
    terms_ = TermDirectory::Decode(*directory, footer_.buckets.bytes);
  }
  return true;
}

// From header to header; over damage to the next sound one.
void BlockReader::ScanPages() {
  for (std::uint64_t at = kBlockHeaderBytes; at + kPageHeaderBytes <= info_.bytes;) {
    const auto window = Read(at, std::min<std::uint64_t>(kWindow, info_.bytes - at));
    if (!window) return;
    const std::string_view view(*window);
    std::uint64_t next = at + view.size() - std::min(view.size() - 1, kPageHeaderBytes - 1);
    for (std::size_t i = view.find("WPAG"); i != std::string_view::npos;
         i = view.find("WPAG", i + 1)) {
      PageHeader page;
      if (!DecodePageHeader(view.substr(i), page) || page.at != at + i) continue;
      if (page.whole_bytes() > info_.bytes - page.at) continue;
      pages_.push_back(page);
      next = page.at + page.whole_bytes();
      break;
    }
    at = next;
  }
}

std::optional<Pages> BlockReader::PagesOf(Term term) const {
  if (!terms_) return std::nullopt;
  const TermDirectory::Range range = terms_->BucketOf(term);
  const auto bucket = Read(footer_.buckets.at + range.at, range.bytes);
  auto pages = bucket ? terms_->Find(term, *bucket, page_count()) : std::nullopt;
  if (!pages) book_.Index(info_.number, kBuckets + range.at);
  return pages;
}

Pages BlockReader::PagesWith(std::span<const Term> terms) const {
  Pages pages(pages_.size());
  std::iota(pages.begin(), pages.end(), 0u);
  for (const Term term : terms) {
    if (pages.empty()) break;
    if (const auto with = PagesOf(term)) pages = Intersect(pages, *with);
  }
  return pages;
}

std::optional<std::vector<ColumnRow>> BlockReader::Columns(std::uint32_t page) const {
  const PageHeader& header = pages_[page];
  const auto bytes = Read(header.at + kPageHeaderBytes, header.columns_bytes);
  if (bytes && Hash64(*bytes) == header.columns_check) return DecodeColumns(*bytes, header.rows);
  return std::nullopt;
}

bool BlockReader::Payload(std::uint32_t page, otlp::Decompressor& decompressor,
                          std::string& plain) const {
  const PageHeader& header = pages_[page];
  const auto bytes =
      Read(header.at + kPageHeaderBytes + header.columns_bytes, header.payload_bytes);
  if (bytes && InflatePayload(header, *bytes, decompressor, plain)) return true;
  book_.Page(info_.number, page, header.rows);
  return false;
}

std::unique_ptr<Memtable> BlockReader::Rebuild() const {
  auto table = std::make_unique<Memtable>(info_.number);
  otlp::Decompressor decompressor;
  std::string plain;
  for (std::uint32_t page = 0; page < page_count(); ++page) {
    if (Payload(page, decompressor, plain)) table->Insert(ReadRows(plain), info_.last_received_ns);
  }
  return table;
}

Names BlockReader::ReadNames() const {
  const auto bytes = ReadSection(footer_.names, kNames);
  if (auto names = bytes ? DecodeNames(*bytes) : std::nullopt) return std::move(*names);
  return Rebuild()->names();
}

Edges BlockReader::ReadEdges() const {
  const auto bytes = ReadSection(footer_.edges, kEdges);
  if (auto edges = bytes ? DecodeEdges(*bytes) : std::nullopt) return std::move(*edges);
  return Rebuild()->CountEdges();
}

std::shared_ptr<const TraceFilter> BlockReader::ReadFilter() const {
  if (!has_footer_ || footer_.trace_filter.bytes == 0) return nullptr;
  const auto bytes = ReadSection(footer_.trace_filter, kTraceFilter);
  auto filter = bytes ? TraceFilter::Decode(*bytes) : std::nullopt;
  return filter ? std::make_shared<const TraceFilter>(std::move(*filter)) : nullptr;
}

std::size_t BlockReader::memory_bytes() const {
  return sizeof(*this) + pages_.capacity() * sizeof(PageHeader) + (terms_ ? terms_->bytes() : 0);
}

}  // namespace wirespan::gateway::store
