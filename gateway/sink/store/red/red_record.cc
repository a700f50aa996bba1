// How a log keeps an agent's RED metrics.
//
//   Record  100 families: 1 family*
//   Family  1 service, 2 instance, 3 kind, 4 bounds (doubles, little-endian), 5 exponential, 6
//   point* Point   1 stream (fixed64), 2 operation, 3 error, 4 peer, 5 start, 6 time (fixed64), 7
//   delta,
//           8 counts: varints, a bucket's number less that of the one before, and its count
#include <algorithm>

#include "common/otlp/wire.h"
#include "gateway/sink/store/rates/durations.h"
#include "gateway/sink/store/red/bucket_codec.h"
#include "gateway/sink/store/red/red_points.h"

namespace wirespan::gateway::store::red {

namespace {

using otlp::Field;
using otlp::Reader;
using otlp::WireType;
using otlp::Writer;

constexpr std::uint32_t kRecordField = 100;

bool ReadPoint(std::string_view message, RedPoint& point) {
  Reader reader(message);
  bool sound = true;
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kFixed64)) point.stream = field.value;
    if (field.Is(2, WireType::kBytes)) point.operation = field.bytes;
    if (field.Is(3, WireType::kVarint)) point.error = field.value != 0;
    if (field.Is(4, WireType::kBytes)) point.peer = field.bytes;
    if (field.Is(5, WireType::kFixed64)) point.start_ns = field.value;
    if (field.Is(6, WireType::kFixed64)) point.time_ns = field.value;
    if (field.Is(7, WireType::kVarint)) point.delta = field.value != 0;
    if (field.Is(8, WireType::kBytes)) sound &= ReadBuckets(field.bytes, point.counts);
  }
  return reader.ok() && sound && point.start_ns <= point.time_ns;
}

bool ReadFamily(std::string_view message, RedFamily& family) {
  Reader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(1, WireType::kBytes)) family.service = field.bytes;
    if (field.Is(2, WireType::kBytes)) family.instance = field.bytes;
    if (field.Is(3, WireType::kVarint)) {
      if (field.value >= kRedKinds) return false;
      family.kind = static_cast<RedKind>(field.value);
    }
    if (field.Is(4, WireType::kBytes) && !ReadBounds(field.bytes, family.bounds)) return false;
    if (field.Is(5, WireType::kVarint)) family.exponential = field.value != 0;
    if (!field.Is(6, WireType::kBytes)) continue;
    RedPoint point;
    if (!ReadPoint(field.bytes, point)) return false;
    family.points.push_back(std::move(point));
  }
  // Buckets that there are.
  const std::size_t last =
      family.exponential ? rates::Durations::kLastBucket : family.bounds.size();
  return reader.ok() &&
         std::all_of(family.points.begin(), family.points.end(), [&](const RedPoint& point) {
           return point.counts.empty() || point.counts.back().first <= last;
         });
}

}  // namespace

std::string EncodeRedRecord(const std::vector<RedFamily>& families) {
  Writer out;
  const Writer::Mark record = out.Begin(kRecordField, 4096);
  for (const RedFamily& family : families) {
    const Writer::Mark mark = out.Begin(1, 1000);
    out.Bytes(1, family.service);
    out.Bytes(2, family.instance);
    out.Varint(3, static_cast<std::uint64_t>(family.kind));
    if (!family.bounds.empty()) out.Bytes(4, BoundsBytes(family.bounds));
    if (family.exponential) out.Varint(5, 1);
    for (const RedPoint& point : family.points) {
      const Writer::Mark one = out.Begin(6, 100);
      out.Fixed64(1, point.stream);
      out.Bytes(2, point.operation);
      if (point.error) out.Varint(3, 1);
      if (!point.peer.empty()) out.Bytes(4, point.peer);
      out.Fixed64(5, point.start_ns);
      out.Fixed64(6, point.time_ns);
      if (point.delta) out.Varint(7, 1);
      out.Bytes(8, BucketBytes(point.counts));
      out.End(one);
    }
    out.End(mark);
  }
  out.End(record);
  return out.Take();
}

std::vector<RedFamily> DecodeRedRecord(std::string_view request) {
  std::vector<RedFamily> families;
  Reader top(request);
  for (Field record; top.Next(record);) {
    if (!record.Is(kRecordField, WireType::kBytes)) continue;
    Reader reader(record.bytes);
    for (Field field; reader.Next(field);) {
      if (!field.Is(1, WireType::kBytes)) continue;
      if (!ReadFamily(field.bytes, families.emplace_back())) return {};
    }
    if (!reader.ok()) return {};
  }
  if (!top.ok()) return {};
  return families;
}

}  // namespace wirespan::gateway::store::red
