#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocol/hpack/name.h"

namespace wirespan::hpack {

// A header of the dynamic table as far as it is known.
struct Entry {
  Name name = Name::kOther;
  bool name_known = true;
  bool value_known = true;  // always false where the name is not wanted and values are not all kept
  std::uint32_t name_size = 0;  // of `text`: the name's own text, only where all is kept
  std::string text{};           // name (if kept) and value

  std::string_view name_text() const {
    return name != Name::kOther ? TextOf(name) : std::string_view(text).substr(0, name_size);
  }
  std::string_view value() const { return std::string_view(text).substr(name_size); }
};

// The dynamic table of one direction (RFC 7541, 2.3.2), seen from outside and perhaps not from its
// beginning. Indices count from the newest entry, and an encoder refers only to what its own table
// holds. So evictions are never computed: entries that the encoder has long evicted do no harm,
// they are just never referred to, and an index behind the oldest entry known is a hole. That holds
// too for entries larger than the table, which empty it without being added.
//
// Old entries go by our own bound alone: `bound_bytes` of text + 32 for each entry, which is never
// more than what the encoder accounts. A bound of at least the encoder's table size loses nothing.
class DynamicTable {
 public:
  explicit DynamicTable(std::size_t bound_bytes) : bound_bytes_(bound_bytes) {}

  // 0 is the newest. Null: a hole.
  const Entry* At(std::size_t index) const;
  void Insert(Entry entry);
  // So many entries were added that nobody saw: they are holes.
  void Miss(std::size_t entries);
  void Clear();
  // Lowering it drops entries at once.
  void SetBound(std::size_t bound_bytes);

  std::size_t bound_bytes() const { return bound_bytes_; }
  std::size_t size() const { return count_; }
  // What was inserted ever, kept or not, missed ones too.
  std::uint64_t added() const { return added_; }
  // What it is accounted for: text and 32 for each entry.
  std::size_t bytes() const { return bytes_; }

  // A copy for another process: version, entries from oldest to newest. Restore takes anything from
  // outside: nothing unless all of it is well-formed.
  void Serialize(std::string& out) const;
  static std::optional<DynamicTable> Restore(std::string_view in, std::size_t bound_bytes);

 private:
  void DropOldest();

  std::size_t bound_bytes_;
  std::uint64_t added_ = 0;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::size_t newest_ = 0;     // in ring_, if count_ > 0
  std::vector<Entry> ring_{};  // size: 0 or a power of two
};

}  // namespace wirespan::hpack
