#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sink/store/term.h"

namespace wirespan::gateway::store {

// Which traces a block may hold, small enough to be kept in memory for every block: a trace is
// looked for in some of the blocks instead of all. A Bloom filter of 64-bit words: a term has four
// bits of one word; with 12 bits a term about one in fifty of the terms that are not there is said
// to be. Written to disk: never change a computation.
class TraceFilter {
 public:
  explicit TraceFilter(std::span<const Term> traces);
  // nullopt: this is none.
  static std::optional<TraceFilter> Decode(std::string_view bytes);
  std::string Encode() const;  // the words, little-endian

  // False: certainly not.
  bool MayHold(Term trace) const {
    const std::uint64_t mask = MaskOf(trace);
    return (words_[WordOf(trace)] & mask) == mask;
  }
  std::size_t bytes() const { return words_.size() * sizeof(std::uint64_t); }

 private:
  TraceFilter() = default;
  std::size_t WordOf(Term trace) const {
    return static_cast<std::size_t>(std::uint64_t{trace} * words_.size() >> 32);
  }
  static std::uint64_t MaskOf(Term trace);

  std::vector<std::uint64_t> words_{};
};

}  // namespace wirespan::gateway::store
