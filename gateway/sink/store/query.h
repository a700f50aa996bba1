#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/sink/store/page.h"
#include "gateway/sink/store/term.h"

namespace wirespan::gateway::store {

// Which traces are wanted: those with one span that is all of this.
struct TraceQuery {
  std::string service{};                                    // empty: any
  std::string operation{};                                  // empty: any
  std::vector<std::pair<std::string, std::string>> tags{};  // key, value as text
  std::uint64_t start_min_ns = 0;  // of the span's start, both ends included
  std::uint64_t start_max_ns = ~std::uint64_t{0};
  std::uint64_t duration_min_ns = 0;
  std::uint64_t duration_max_ns = ~std::uint64_t{0};
  std::size_t limit = 100;  // traces, those whose span began last
};

// Where a query ends although there may be more.
struct QueryLimits {
  std::size_t max_bytes = 64u << 20;  // of the spans returned, uncompressed
  std::function<bool()> stop{};       // asked between pages; true: time is over, or nobody waits
  bool Stopped() const { return stop && stop(); }
};

// A query, prepared to be asked of pages and spans.
class Matcher {
 public:
  explicit Matcher(const TraceQuery& query);

  // A page without one of them holds no match.
  const std::vector<Term>& terms() const { return terms_; }
  bool InTime(std::uint64_t min_start_ns, std::uint64_t max_start_ns) const {
    return min_start_ns <= query_.start_max_ns && max_start_ns >= query_.start_min_ns;
  }
  bool MayMatch(const PageHeader& page) const {
    return InTime(page.min_start_ns, page.max_start_ns) &&
           page.max_duration_ns >= query_.duration_min_ns;
  }
  // What the columns can say. True: look at the span itself.
  bool MayMatch(const ColumnRow& row) const;
  // Exact. `resource_head` and `scope_head` are those of a Group.
  bool Matches(const SpanRow& row, std::string_view service, std::string_view resource_head,
               std::string_view scope_head) const;

  const TraceQuery& query() const { return query_; }
  const std::vector<Term>& tag_terms() const { return tag_terms_; }

 private:
  const TraceQuery query_;
  Term service_ = 0;
  Term operation_ = 0;
  std::vector<Term> tag_terms_{};
  std::vector<Term> terms_{};
};

// Visits the spans of a page or a request. False from `visit` ends it.
struct SpanPlace {
  std::string_view resource_head{};
  std::string_view scope_head{};
  std::string_view service{};
};
using SpanVisitor = std::function<bool(const SpanPlace& place, const SpanRow& row)>;
void ForEachSpanIn(std::string_view request, const SpanVisitor& visit);
// Of a page: those rows (ascending) alone.
void ForEachOfRows(std::string_view page, std::span<const std::uint32_t> rows,
                   const SpanVisitor& visit);

}  // namespace wirespan::gateway::store
