// How a ledger outlives its process.
//
//   Changes  1 since (fixed64), 2 family*, 3 group*, 4 stream*; each with 1 key and 2 heard
//   (fixed64) Family   3 told (fixed64), 4 bounds (doubles, little-endian), 5 exponential Group 3
//   family (fixed64), 4 unconfirmed Stream   3 start, 4 time (fixed64), 5 counts
//
// Buckets are varints: a number less that of the one before, and a count. A later entry of a key
// stands in the place of an earlier one.
#include <algorithm>
#include <utility>

#include "common/otlp/wire.h"
#include "gateway/sink/store/red/bucket_codec.h"
#include "gateway/sink/store/red/red_ledger.h"

namespace wirespan::gateway::store::red {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using otlp::Writer;

constexpr std::uint64_t kDayNs = std::uint64_t{24 * 3600} * 1'000'000'000;

}  // namespace

std::string RedLedger::Encode(bool all) {
  Writer out;
  const auto each = [&](std::uint32_t number, auto& map, const auto& write) {
    for (auto& [key, entry] : map) {
      if (!std::exchange(entry.changed, false) && !all) continue;
      const Writer::Mark mark = out.Begin(number, 100);
      out.Fixed64(1, key);
      out.Fixed64(2, entry.heard_ns);
      write(entry);
      out.End(mark);
    }
  };
  each(2, families_, [&](const Family& family) {
    out.Fixed64(3, family.told_ns);
    if (!family.bounds.empty()) out.Bytes(4, BoundsBytes(family.bounds));
    if (family.exponential) out.Varint(5, 1);
  });
  each(3, groups_, [&](const Group& group) {
    out.Fixed64(3, group.family);
    if (!group.unconfirmed.empty()) out.Bytes(4, BucketBytes(group.unconfirmed));
  });
  each(4, streams_, [&](const Stream& stream) {
    out.Fixed64(3, stream.start_ns);
    out.Fixed64(4, stream.time_ns);
    if (!stream.counts.empty()) out.Bytes(5, BucketBytes(stream.counts));
  });
  if (out.size() > 0 || since_changed_ || all) out.Fixed64(1, since_ns_);
  since_changed_ = false;
  return out.Take();
}

std::string RedLedger::TakeChanges() { return Encode(false); }

bool RedLedger::Load(std::string_view changes) {
  bool sound = true;
  // Reads one entry: its own fields go to `take`, which says whether they are well-formed.
  const auto read = [&](std::string_view message, auto entry, std::uint64_t& key,
                        const auto& take) {
    Reader reader(message);
    for (Field field; reader.Next(field);) {
      if (field.Is(1, WireType::kFixed64)) key = field.value;
      if (field.Is(2, WireType::kFixed64)) entry.heard_ns = field.value;
      if (field.number > 2) sound &= take(field, entry);
    }
    sound &= reader.ok();
    return entry;
  };
  Reader top(changes);
  for (Field field; top.Next(field);) {
    std::uint64_t key = 0;
    if (field.Is(1, WireType::kFixed64)) since_ns_ = field.value;
    if (field.Is(2, WireType::kBytes)) {
      auto family = read(field.bytes, Family{}, key, [](const Field& part, Family& into) {
        if (part.Is(3, WireType::kFixed64)) into.told_ns = part.value;
        if (part.Is(5, WireType::kVarint)) into.exponential = part.value != 0;
        return !part.Is(4, WireType::kBytes) || ReadBounds(part.bytes, into.bounds);
      });
      if (sound && families_.size() < limits_.families) families_[key] = std::move(family);
    }
    if (field.Is(3, WireType::kBytes)) {
      auto group = read(field.bytes, Group{}, key, [](const Field& part, Group& into) {
        if (part.Is(3, WireType::kFixed64)) into.family = part.value;
        return !part.Is(4, WireType::kBytes) || ReadBuckets(part.bytes, into.unconfirmed);
      });
      if (sound && groups_.size() < limits_.groups) groups_[key] = std::move(group);
    }
    if (field.Is(4, WireType::kBytes)) {
      auto stream = read(field.bytes, Stream{}, key, [](const Field& part, Stream& into) {
        if (part.Is(3, WireType::kFixed64)) into.start_ns = part.value;
        if (part.Is(4, WireType::kFixed64)) into.time_ns = part.value;
        return !part.Is(5, WireType::kBytes) || ReadBuckets(part.bytes, into.counts);
      });
      if (sound && streams_.size() < limits_.streams) streams_[key] = std::move(stream);
    }
    if (!sound) return false;
  }
  return top.ok();
}

std::string RedLedger::Merge(std::span<const std::string> changes, std::uint64_t now_ns) {
  RedLedger sum;
  for (const std::string& each : changes) sum.Load(each);
  sum.Forget(now_ns - std::min(now_ns, kDayNs));
  return sum.Encode(true);
}

}  // namespace wirespan::gateway::store::red
