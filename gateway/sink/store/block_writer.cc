#include "gateway/sink/store/block_writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "gateway/sink/store/block_format.h"
#include "gateway/sink/store/page.h"
#include "gateway/sink/store/term_index.h"
#include "gateway/sink/store/trace_filter.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::size_t kPageBytes = 512u << 10;  // a page ends beyond it, whatever its spans

// By trace, traces by their first span: pages then hold short times and few traces.
std::vector<const SpanRow*> InOrder(const Memtable& table) {
  FlatMap<TraceId, std::uint64_t> begins;
  for (const SpanRow& row : table.rows()) {
    const auto [begin, added] = begins.try_emplace(row.key.trace, row.start_ns);
    if (!added) begin->second = std::min(begin->second, row.start_ns);
  }
  struct Place {
    std::uint64_t begin = 0;
    const SpanRow* row = nullptr;
  };
  std::vector<Place> places;
  places.reserve(table.rows().size());
  for (const SpanRow& row : table.rows()) places.push_back({begins.at(row.key.trace), &row});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    if (a.row->key.trace != b.row->key.trace) return a.row->key.trace < b.row->key.trace;
    return a.row->start_ns < b.row->start_ns;
  });
  std::vector<const SpanRow*> rows;
  rows.reserve(places.size());
  for (const Place& place : places) rows.push_back(place.row);
  return rows;
}

class BlockWriter {
 public:
  using Reserve = std::function<Result<>(std::uint64_t)>;

  BlockWriter(const Memtable& table, const StoreOptions& options, queue::DiskFile& file,
              const Reserve& reserve)
      : table_(table), options_(options), file_(file), reserve_(reserve) {}

  Result<std::uint64_t> Write() {
    const BlockHeader header{.number = table_.number(),
                             .first_received_ns = table_.first_received_ns(),
                             .last_received_ns = table_.last_received_ns()};
    footer_.number = table_.number();
    footer_.min_start_ns = ~std::uint64_t{0};
    if (auto ok = Append(EncodeBlockHeader(header)); !ok) return tl::unexpected(ok.error());
    if (auto ok = WritePages(); !ok) return tl::unexpected(ok.error());
    if (auto ok = WriteIndex(); !ok) return tl::unexpected(ok.error());
    // The footer says that everything before it is there: it may not reach the disk earlier.
    if (auto ok = Sync(); !ok) return tl::unexpected(ok.error());
    if (auto ok = Append(EncodeBlockFooter(footer_)); !ok) return tl::unexpected(ok.error());
    if (auto ok = Sync(); !ok) return tl::unexpected(ok.error());
    return at_;
  }

 private:
  Result<> Append(std::string_view bytes) {
    if (auto room = reserve_(bytes.size()); !room) return room;
    if (auto written = file_.Write(at_, std::span(&bytes, 1)); !written) return written;
    at_ += bytes.size();
    return {};
  }

  Result<> Sync() { return options_.sync ? file_.Sync() : Result<>(); }

  Result<> WritePages() {
    std::vector<const SpanRow*> page;
    std::size_t bytes = 0;
    const std::vector<const SpanRow*> rows = InOrder(table_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      page.push_back(rows[i]);
      bytes += rows[i]->span.size();
      const bool last = i + 1 == rows.size();
      const bool trace_ends = last || rows[i + 1]->key.trace != rows[i]->key.trace;
      const bool full = page.size() >= options_.page_spans || bytes >= kPageBytes;
      // A trace is not cut unless it is large itself.
      const bool over = page.size() >= 2 * options_.page_spans || bytes >= 2 * kPageBytes;
      if (!last && !over && !(full && trace_ends)) continue;
      if (auto written = WritePage(page); !written) return written;
      page.clear();
      bytes = 0;
    }
    return {};
  }

  Result<> WritePage(std::vector<const SpanRow*>& rows) {
    PageHeader header;
    const std::string bytes = EncodePage(rows, table_.groups(), at_, compressor_, header);
    page_table_.append(bytes, 0, kPageHeaderBytes);
    if (auto written = Append(bytes); !written) return written;
    CollectTerms(rows);
    footer_.spans += header.rows;
    footer_.min_start_ns = std::min(footer_.min_start_ns, header.min_start_ns);
    footer_.max_start_ns = std::max(footer_.max_start_ns, header.max_start_ns);
    ++footer_.pages;
    return {};
  }

  void CollectTerms(const std::vector<const SpanRow*>& rows) {
    page_terms_.clear();
    std::uint32_t last_group = ~std::uint32_t{0};
    for (const SpanRow* row : rows) {
      if (traces_.empty() || row->key.trace != last_trace_) {
        last_trace_ = row->key.trace;
        traces_.push_back(TraceTerm(last_trace_));
      }
      page_terms_.push_back(traces_.back());
      page_terms_.push_back(row->service_term);
      page_terms_.push_back(row->operation_term);
      const auto first = table_.terms().begin() + row->terms_at;
      page_terms_.insert(page_terms_.end(), first, first + row->terms);
      if (row->group == last_group) continue;
      const Group& group = table_.groups()[row->group];
      page_terms_.insert(page_terms_.end(), group.terms.begin(), group.terms.end());
      last_group = row->group;
    }
    std::sort(page_terms_.begin(), page_terms_.end());
    page_terms_.erase(std::unique(page_terms_.begin(), page_terms_.end()), page_terms_.end());
    const auto page = static_cast<std::uint32_t>(footer_.pages);
    for (const Term term : page_terms_) terms_.push_back({term, page});
  }

  Result<> WriteIndex() {
    const EncodedTerms terms = EncodeTerms(terms_);
    const auto write = [&](Section& section, std::string_view bytes) {
      section = {.at = at_, .bytes = bytes.size(), .check = Hash64(bytes)};
      return Append(bytes);
    };
    if (auto ok = write(footer_.page_table, page_table_); !ok) return ok;
    if (auto ok = write(footer_.directory, terms.directory); !ok) return ok;
    if (auto ok = write(footer_.buckets, terms.buckets); !ok) return ok;
    footer_.buckets.check = 0;
    if (auto ok = write(footer_.names, EncodeNames(table_.names())); !ok) return ok;
    if (auto ok = write(footer_.edges, EncodeEdges(table_.CountEdges())); !ok) return ok;
    std::sort(traces_.begin(), traces_.end());
    traces_.erase(std::unique(traces_.begin(), traces_.end()), traces_.end());
    return write(footer_.trace_filter, TraceFilter(traces_).Encode());
  }

  const Memtable& table_;
  const StoreOptions& options_;
  queue::DiskFile& file_;
  const Reserve& reserve_;
  otlp::Compressor compressor_{};
  std::uint64_t at_ = 0;
  BlockFooter footer_{};
  std::string page_table_{};
  std::vector<Term> page_terms_{};
  TraceId last_trace_{};
  std::vector<Term> traces_{};  // of all pages
  std::vector<TermEntry> terms_{};
};

}  // namespace

Result<std::uint64_t> WriteBlock(const Memtable& table, const StoreOptions& options,
                                 queue::DiskFile& file,
                                 const std::function<Result<>(std::uint64_t bytes)>& reserve) {
  return BlockWriter(table, options, file, reserve).Write();
}

}  // namespace wirespan::gateway::store
