#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/flat_map.h"
#include "gateway/sink/store/memtable.h"
#include "gateway/sink/store/trace_id.h"

namespace wirespan::gateway::store {

// The traces whose matching spans began last, so many at most.
class LatestTraces {
 public:
  explicit LatestTraces(std::size_t limit) : limit_(limit) {}

  // Would a span that began then change anything?
  bool Wants(std::uint64_t start_ns) const {
    return by_start_.size() < limit_ || (limit_ > 0 && start_ns > by_start_.begin()->first);
  }
  void Add(const TraceId& id, std::uint64_t start_ns);
  std::vector<TraceId> NewestFirst() const;

 private:
  const std::size_t limit_;
  std::map<TraceId, std::uint64_t> starts_{};
  std::set<std::pair<std::uint64_t, TraceId>> by_start_{};
};

struct FoundTrace {
  TraceId id{};
  std::string spans{};  // an ExportTraceServiceRequest
  std::uint64_t count = 0;
};

// Puts traces together from what several tables and blocks hold of them. A span that is held twice
// is taken once.
class TraceSet {
 public:
  TraceSet(std::span<const TraceId> ids, std::size_t max_bytes);

  bool Has(const TraceId& id) const { return numbers_.contains(id); }
  void AddTable(const Memtable& table);
  // What a page holds of one of the traces.
  void AddPage(std::string_view request, const TraceId& id);

  bool full() const { return bytes_ >= max_bytes_; }
  // In the order of the ids, those of which nothing was found left out.
  std::vector<FoundTrace> Take();

 private:
  struct Entry {
    FoundTrace trace{};
    FlatSet<std::pair<std::uint64_t, std::uint64_t>> seen{};  // span id, kind
  };
  bool TakeSpan(Entry& entry, const SpanRow& row);

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Entry> entries_{};
  FlatMap<TraceId, std::size_t> numbers_{};
};

}  // namespace wirespan::gateway::store
