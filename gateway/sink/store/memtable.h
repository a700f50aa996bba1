#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/flat_map.h"
#include "common/base/hash.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/span_row.h"

namespace wirespan::gateway::store {

// The spans that are on disk in a log and not in a block yet. Grows; one writer, and readers that
// the owner keeps apart from it.
class Memtable {
 public:
  explicit Memtable(std::uint64_t number) : number_(number) {}

  struct Inserted {
    std::uint64_t spans = 0;
    std::uint64_t duplicates = 0;  // here already: same trace, span id and kind
    std::vector<std::pair<std::string, Operation>> names{};  // service and operation, new here
  };
  Inserted Insert(SpanRows&& read, std::uint64_t received_ns);

  std::uint64_t number() const { return number_; }  // of the log, and of the block that it becomes
  const std::vector<SpanRow>& rows() const { return rows_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<Term>& terms() const { return terms_; }
  const Names& names() const { return names_; }
  std::size_t bytes() const;                                              // (about) of memory
  std::uint64_t first_received_ns() const { return first_received_ns_; }  // 0: empty
  std::uint64_t last_received_ns() const { return last_received_ns_; }

  Edges CountEdges() const;

 private:
  // A service's operation; the view points into texts_.
  struct NameKey {
    std::uint64_t service_hash = 0;
    std::uint64_t kind = 0;
    std::string_view name{};
    friend bool operator==(const NameKey&, const NameKey&) = default;
    template <class H>
    friend H AbslHashValue(H state, const NameKey& key) {
      return H::combine(std::move(state), key.service_hash, key.kind, Hash64(key.name));
    }
  };
  std::uint32_t GroupFor(Group&& group);

  const std::uint64_t number_;
  std::vector<std::shared_ptr<const std::string>> texts_{};
  std::vector<SpanRow> rows_{};
  std::vector<Group> groups_{};
  std::vector<Term> terms_{};
  FlatMap<std::uint64_t, std::uint32_t> group_numbers_{};  // by the hash of their heads
  FlatSet<SpanKey> keys_{};
  FlatSet<NameKey> name_keys_{};
  Names names_{};
  std::size_t text_bytes_ = 0;
  std::size_t group_bytes_ = 0;
  std::uint64_t first_received_ns_ = 0;
  std::uint64_t last_received_ns_ = 0;
};

}  // namespace wirespan::gateway::store
