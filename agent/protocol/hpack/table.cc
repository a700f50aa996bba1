#include "agent/protocol/hpack/table.h"

#include <algorithm>
#include <utility>

namespace wirespan::hpack {
namespace {

constexpr std::size_t kOverhead = 32;  // of an entry, RFC 7541, 4.1
constexpr char kVersion = 1;

enum Flag : std::uint8_t { kNameKnown = 1, kValueKnown = 2 };

void PutNumber(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> TakeNumber(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace

const Entry* DynamicTable::At(std::size_t index) const {
  if (index >= count_) return nullptr;
  return &ring_[(newest_ - index) & (ring_.size() - 1)];
}

void DynamicTable::Miss(std::size_t entries) {
  if (entries > bound_bytes_ / kOverhead) {
    added_ += entries;
    return Clear();
  }
  for (; entries > 0; --entries) Insert({.name_known = false, .value_known = false});
}

void DynamicTable::Insert(Entry entry) {
  ++added_;
  if (entry.text.size() + kOverhead > bound_bytes_) {  // its place counts, its text is not kept
    entry.text = {};
    entry.name_size = 0;
    entry.value_known = false;
    if (entry.name == Name::kOther) entry.name_known = false;
  }
  const std::size_t cost = entry.text.size() + kOverhead;
  while (count_ != 0 && bytes_ + cost > bound_bytes_) DropOldest();
  if (bytes_ + cost > bound_bytes_) return;
  if (count_ == ring_.size()) {
    std::vector<Entry> larger(std::max<std::size_t>(8, ring_.size() * 2));
    for (std::size_t i = 0; i < count_; ++i) {
      larger[i] = std::move(ring_[(newest_ + 1 + i) & (ring_.size() - 1)]);
    }
    newest_ = count_ - 1;
    ring_ = std::move(larger);
  }
  newest_ = count_ == 0 ? 0 : (newest_ + 1) & (ring_.size() - 1);
  ring_[newest_] = std::move(entry);
  bytes_ += cost;
  ++count_;
}

void DynamicTable::DropOldest() {
  Entry& oldest = ring_[(newest_ + 1 - count_) & (ring_.size() - 1)];
  bytes_ -= oldest.text.size() + kOverhead;
  oldest = {};
  --count_;
}

void DynamicTable::Clear() {
  ring_ = {};
  bytes_ = count_ = newest_ = 0;
}

void DynamicTable::SetBound(std::size_t bound_bytes) {
  bound_bytes_ = bound_bytes;
  while (bytes_ > bound_bytes_) DropOldest();
  if (count_ == 0) Clear();
}

void DynamicTable::Serialize(std::string& out) const {
  out.push_back(kVersion);
  PutNumber(out, count_);
  for (std::size_t i = count_; i-- > 0;) {
    const Entry& entry = *At(i);
    out.push_back(static_cast<char>((entry.name_known ? kNameKnown : 0) |
                                    (entry.value_known ? kValueKnown : 0)));
    // Names travel as text: their numbers may change between versions.
    const std::string_view name = entry.name_known ? entry.name_text() : std::string_view{};
    PutNumber(out, name.size());
    out += name;
    PutNumber(out, entry.value().size());
    out += entry.value();
  }
}

std::optional<DynamicTable> DynamicTable::Restore(std::string_view in, std::size_t bound_bytes) {
  if (in.empty() || in.front() != kVersion) return std::nullopt;
  in.remove_prefix(1);
  const auto count = TakeNumber(in);
  if (!count) return std::nullopt;
  DynamicTable table(bound_bytes);
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (in.empty()) return std::nullopt;
    const auto flags = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    const auto name_size = TakeNumber(in);
    if (!name_size || *name_size > in.size()) return std::nullopt;
    const std::string_view name = in.substr(0, static_cast<std::size_t>(*name_size));
    in.remove_prefix(name.size());
    const auto value_size = TakeNumber(in);
    if (!value_size || *value_size > in.size()) return std::nullopt;
    const std::string_view value = in.substr(0, static_cast<std::size_t>(*value_size));
    in.remove_prefix(value.size());
    Entry entry;
    entry.name = NameOf(name);
    entry.name_known = (flags & kNameKnown) != 0;
    entry.value_known = (flags & kValueKnown) != 0;
    if (!entry.name_known) entry.name = Name::kOther;
    if (entry.name == Name::kOther) {
      entry.name_size = static_cast<std::uint32_t>(name.size());
      entry.text = name;
    }
    if (entry.value_known) entry.text += value;
    table.Insert(std::move(entry));
  }
  if (!in.empty()) return std::nullopt;
  return table;
}

}  // namespace wirespan::hpack
