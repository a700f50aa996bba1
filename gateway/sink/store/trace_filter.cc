#include "gateway/sink/store/trace_filter.h"

#include <algorithm>

#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store {

namespace {

constexpr std::size_t kBitsOfTerm = 12;
constexpr std::size_t kBitsOfWord = 64;

}  // namespace

// The word is told by the term's upper bits; the bits in it by a product in which all of the
// term's bits have a say.
std::uint64_t TraceFilter::MaskOf(Term trace) {
  std::uint64_t mixed = (std::uint64_t{trace} + 1) * 0x9e3779b97f4a7c15;
  std::uint64_t mask = 0;
  for (int bit = 0; bit < 4; ++bit) {
    mask |= std::uint64_t{1} << (mixed >> 58);
    mixed <<= 6;
  }
  return mask;
}

TraceFilter::TraceFilter(std::span<const Term> traces)
    : words_(std::max<std::size_t>(1, traces.size() * kBitsOfTerm / kBitsOfWord)) {
  for (const Term trace : traces) words_[WordOf(trace)] |= MaskOf(trace);
}

std::string TraceFilter::Encode() const {
  std::string out;
  out.reserve(bytes());
  for (const std::uint64_t word : words_) PutNumber(out, word);
  return out;
}

std::optional<TraceFilter> TraceFilter::Decode(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % sizeof(std::uint64_t) != 0) return std::nullopt;
  TraceFilter filter;
  filter.words_.reserve(bytes.size() / sizeof(std::uint64_t));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    filter.words_.push_back(GetNumber<std::uint64_t>(bytes, at));
  }
  return filter;
}

}  // namespace wirespan::gateway::store
