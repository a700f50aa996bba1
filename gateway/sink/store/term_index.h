#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/store/term.h"

// Which pages of a block hold a term. Terms are spread over buckets by their first bits, so that
// one term costs reading one bucket (about 1 KiB). Layout: docs/format/store.md.
//
//   directory:  bits (u32), then 2^bits times: end of the bucket (u32), check (u32)
//   bucket:     entry*, by term
//   entry:      term - term before (varint), then the page: page << 1
//                                            or the pages: count << 1 | 1, first, difference*
namespace wirespan::gateway::store {

using Pages = std::vector<std::uint32_t>;  // ascending, without repetition

struct TermEntry {
  Term term = 0;
  std::uint32_t page = 0;
  friend auto operator<=>(const TermEntry&, const TermEntry&) = default;
};

struct EncodedTerms {
  std::string directory{};
  std::string buckets{};
};
// `entries` in any order, repetitions allowed; it is sorted.
EncodedTerms EncodeTerms(std::vector<TermEntry>& entries);

class TermDirectory {
 public:
  // nullopt: damaged. `buckets_bytes` is the size of what the directory points into.
  static std::optional<TermDirectory> Decode(std::string_view bytes, std::uint64_t buckets_bytes);

  struct Range {
    std::uint64_t at = 0;
    std::uint64_t bytes = 0;
  };
  Range BucketOf(Term term) const;
  // The pages of a term in its bucket's bytes; empty if it is in none, nullopt if they are damaged.
  std::optional<Pages> Find(Term term, std::string_view bucket, std::uint32_t page_count) const;
  std::size_t bytes() const { return ends_.size() * 8; }

 private:
  std::size_t IndexOf(Term term) const;

  unsigned bits_ = 0;
  std::vector<std::uint32_t> ends_{};
  std::vector<std::uint32_t> checks_{};
};

// Those in both.
Pages Intersect(const Pages& a, const Pages& b);

}  // namespace wirespan::gateway::store
