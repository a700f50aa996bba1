#include "gateway/sink/store/term_index.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "common/base/hash.h"
#include "common/otlp/wire.h"
#include "gateway/sink/store/byte_order.h"

namespace wirespan::gateway::store {

namespace {

constexpr unsigned kMaxBits = 16;
constexpr std::size_t kTermsInBucket = 128;

std::uint32_t CheckOf(std::string_view bytes) { return static_cast<std::uint32_t>(Hash64(bytes)); }

unsigned BitsFor(std::size_t terms) {
  return std::min(kMaxBits, static_cast<unsigned>(std::bit_width(terms / kTermsInBucket)));
}

void AppendPages(std::string& out, const TermEntry* first, const TermEntry* last) {
  const auto count = static_cast<std::uint64_t>(last - first);
  if (count == 1) {
    otlp::AppendVarint(out, std::uint64_t{first->page} << 1);
    return;
  }
  otlp::AppendVarint(out, count << 1 | 1);
  std::uint32_t before = 0;
  for (const TermEntry* entry = first; entry != last; ++entry) {
    otlp::AppendVarint(out, entry->page - before);
    before = entry->page;
  }
}

// Reads what AppendPages has written; false: damaged. `pages` may be null: skipped.
bool ReadPages(std::string_view& bytes, std::uint32_t page_count, Pages* pages) {
  std::uint64_t head = 0;
  if (!otlp::ReadVarint(bytes, head)) return false;
  if ((head & 1) == 0) {
    if (head >> 1 >= page_count) return false;
    if (pages != nullptr) pages->push_back(static_cast<std::uint32_t>(head >> 1));
    return true;
  }
  const std::uint64_t count = head >> 1;
  if (count > page_count) return false;
  std::uint64_t page = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t difference = 0;
    if (!otlp::ReadVarint(bytes, difference) || difference >= page_count) return false;
    page += difference;
    if (page >= page_count) return false;
    if (pages != nullptr) pages->push_back(static_cast<std::uint32_t>(page));
  }
  return true;
}

}  // namespace

EncodedTerms EncodeTerms(std::vector<TermEntry>& entries) {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  const unsigned bits = BitsFor(entries.size());
  EncodedTerms encoded;
  PutNumber<std::uint32_t>(encoded.directory, bits);
  const TermEntry* at = entries.data();
  const TermEntry* const end = at + entries.size();
  for (std::uint64_t bucket = 0; bucket < std::uint64_t{1} << bits; ++bucket) {
    const std::size_t begin = encoded.buckets.size();
    Term before = 0;
    while (at != end && std::uint64_t{at->term} >> (32 - bits) == bucket) {
      const TermEntry* next = at;
      while (next != end && next->term == at->term) ++next;
      otlp::AppendVarint(encoded.buckets, at->term - before);
      before = at->term;
      AppendPages(encoded.buckets, at, next);
      at = next;
    }
    PutNumber(encoded.directory, static_cast<std::uint32_t>(encoded.buckets.size()));
    PutNumber(encoded.directory, CheckOf(std::string_view(encoded.buckets).substr(begin)));
  }
  return encoded;
}

std::optional<TermDirectory> TermDirectory::Decode(std::string_view bytes,
                                                   std::uint64_t buckets_bytes) {
  if (bytes.size() < 4) return std::nullopt;
  TermDirectory directory;
  directory.bits_ = GetNumber<std::uint32_t>(bytes, 0);
  if (directory.bits_ > kMaxBits) return std::nullopt;
  const std::size_t count = std::size_t{1} << directory.bits_;
  if (bytes.size() != 4 + count * 8) return std::nullopt;
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = GetNumber<std::uint32_t>(bytes, 4 + i * 8);
    if (end < before || end > buckets_bytes) return std::nullopt;
    before = end;
    directory.ends_.push_back(end);
    directory.checks_.push_back(GetNumber<std::uint32_t>(bytes, 8 + i * 8));
  }
  return directory;
}

std::size_t TermDirectory::IndexOf(Term term) const {
  return static_cast<std::size_t>(std::uint64_t{term} >> (32 - bits_));
}

TermDirectory::Range TermDirectory::BucketOf(Term term) const {
  const std::size_t index = IndexOf(term);
  const std::uint64_t at = index == 0 ? 0 : ends_[index - 1];
  return {.at = at, .bytes = ends_[index] - at};
}

std::optional<Pages> TermDirectory::Find(Term term, std::string_view bucket,
                                         std::uint32_t page_count) const {
  if (CheckOf(bucket) != checks_[IndexOf(term)]) return std::nullopt;
  std::uint64_t current = 0;
  while (!bucket.empty()) {
    std::uint64_t difference = 0;
    if (!otlp::ReadVarint(bucket, difference)) return std::nullopt;
    current += difference;
    if (current > term) break;
    Pages pages;
    const bool wanted = current == term;
    if (!ReadPages(bucket, page_count, wanted ? &pages : nullptr)) return std::nullopt;
    if (wanted) return pages;
  }
  return Pages{};
}

Pages Intersect(const Pages& a, const Pages& b) {
  Pages both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

}  // namespace wirespan::gateway::store
