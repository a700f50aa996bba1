#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/otlp/compress.h"
#include "common/queue/disk.h"
#include "gateway/sink/store/block_format.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/damage.h"
#include "gateway/sink/store/memtable.h"
#include "gateway/sink/store/page.h"
#include "gateway/sink/store/term_index.h"
#include "gateway/sink/store/trace_filter.h"

namespace wirespan::gateway::store {

// What is known of a block without opening it.
struct BlockInfo {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  std::uint64_t spans = 0;
  std::uint64_t min_start_ns = 0;
  std::uint64_t max_start_ns = 0;
  std::uint64_t last_received_ns = 0;
  // Null: any trace may be in it. The store's; a reader has none.
  std::shared_ptr<const TraceFilter> filter{};
};

// Reads a block's file and trusts nothing in it: what is damaged is left out and told to the book,
// what is sound is read. Without a sound index every page is a candidate. Thread-safe.
class BlockReader {
 public:
  // kUnsupported: a newer version. kInvalidArgument: there is no page in it. `book` outlives it.
  static Result<std::shared_ptr<BlockReader>> Open(std::unique_ptr<queue::DiskFile> file,
                                                   std::uint64_t number, DamageBook& book);

  // Whether a file ends as a whole block does.
  static bool Complete(const queue::DiskFile& file);

  const BlockInfo& info() const { return info_; }
  std::uint32_t page_count() const { return static_cast<std::uint32_t>(pages_.size()); }
  const PageHeader& page(std::uint32_t page) const { return pages_[page]; }

  // Pages that may hold spans with all of the terms.
  Pages PagesWith(std::span<const Term> terms) const;
  // One row a span. nullopt: damaged, look at the spans instead.
  std::optional<std::vector<ColumnRow>> Columns(std::uint32_t page) const;
  // The spans of a page, as an ExportTraceServiceRequest. False: they are lost.
  bool Payload(std::uint32_t page, otlp::Decompressor& decompressor, std::string& plain) const;
  // Made anew from the pages if that part of the file is damaged.
  Names ReadNames() const;
  Edges ReadEdges() const;
  // Null: there is none, or it is damaged.
  std::shared_ptr<const TraceFilter> ReadFilter() const;

  std::size_t memory_bytes() const;

 private:
  BlockReader(std::unique_ptr<queue::DiskFile> file, std::uint64_t number, DamageBook& book)
      : file_(std::move(file)), book_(book) {
    info_.number = number;
  }
  Result<> Load();
  bool LoadIndex();
  void ScanPages();
  std::optional<std::string> Read(std::uint64_t at, std::uint64_t bytes) const;
  std::optional<std::string> ReadSection(const Section& section, std::uint64_t part) const;
  std::optional<Pages> PagesOf(Term term) const;
  std::unique_ptr<Memtable> Rebuild() const;

  const std::unique_ptr<queue::DiskFile> file_;
  DamageBook& book_;
  BlockInfo info_{};
  bool has_footer_ = false;
  BlockFooter footer_{};
  std::vector<PageHeader> pages_{};
  std::optional<TermDirectory> terms_{};
};

}  // namespace wirespan::gateway::store
