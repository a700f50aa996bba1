#include "common/otlp/span_walk.h"

#include <cstdint>

namespace wirespan::otlp {

namespace {

constexpr std::uint32_t kTraceId = 1;
constexpr std::uint32_t kSpanId = 2;
constexpr std::uint32_t kParentId = 4;
constexpr std::uint32_t kAttributes = 9;

constexpr unsigned char Tag(std::uint32_t number, WireType type) {
  return static_cast<unsigned char>(number << 3 | static_cast<std::uint32_t>(type));
}

// A varint that fills [at, end) exactly.
bool OneVarint(const unsigned char* at, const unsigned char* end) {
  if (at == end || end - at > 10) return false;
  for (; at + 1 < end; ++at) {
    if ((*at & 0x80) == 0) return false;
  }
  return (*at & 0x80) == 0;
}

// The KeyValue that nearly all attributes are: a key and one string, number or boolean, each length
// in one byte, nothing else. False says nothing: look closer.
inline bool PlainAttribute(const unsigned char* at, const unsigned char* end) {
  if (end - at < 4 || at[0] != Tag(1, WireType::kBytes) || at[1] >= 0x80) return false;
  at += 2u + at[1];
  if (end - at < 2 || at[0] != Tag(2, WireType::kBytes) || at[1] != end - at - 2) return false;
  at += 2;  // the value
  const auto size = static_cast<std::size_t>(end - at);
  if (size == 0) return true;
  switch (at[0]) {
    case Tag(1, WireType::kBytes):  // string_value
      return size >= 2 && at[1] == size - 2 && at[1] < 0x80;
    case Tag(2, WireType::kVarint):  // bool_value
    case Tag(3, WireType::kVarint):  // int_value
      return OneVarint(at + 1, end);
    case Tag(4, WireType::kFixed64):  // double_value
      return size == 9;
    default:
      return false;
  }
}

std::string_view Text(const unsigned char* at, std::size_t size) {
  return {reinterpret_cast<const char*>(at), size};
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

struct Ids {
  std::string_view trace_id{};
  std::string_view span_id{};
  std::string_view parent_id{};

  void Set(std::uint32_t number, std::string_view bytes) {
    if (number == kTraceId) trace_id = bytes;
    if (number == kSpanId) span_id = bytes;
    if (number == kParentId) parent_id = bytes;
  }
  bool valid() const {
    return trace_id.size() == 16 && span_id.size() == 8 && !AllZero(trace_id) &&
           !AllZero(span_id) && (parent_id.empty() || parent_id.size() == 8);
  }
};

}  // namespace

// The fields of a span one by one: the shapes that nearly all have by their first two bytes,
// without a Field in between, the rest by Reader.
SpanCheck CheckSpan(const Layout& layout, std::string_view span, WalkDepth depth) {
  const bool all = depth == WalkDepth::kAll;
  Ids ids;
  const auto* at = reinterpret_cast<const unsigned char*>(span.data());
  const auto* const end = at + span.size();
  while (at != end) {
    const std::size_t left = static_cast<std::size_t>(end - at);
    switch (at[0]) {
      case Tag(kTraceId, WireType::kBytes):
      case Tag(kSpanId, WireType::kBytes):
      case Tag(3, WireType::kBytes):  // trace_state
      case Tag(kParentId, WireType::kBytes):
      case Tag(5, WireType::kBytes):  // name
        if (left < 2 || at[1] >= 0x80 || at[1] > left - 2) break;
        ids.Set(at[0] / 8u, Text(at + 2, at[1]));
        at += 2u + at[1];
        continue;
      case Tag(kAttributes, WireType::kBytes):
        if (left < 2 || at[1] >= 0x80 || at[1] > left - 2) break;
        if (all && !PlainAttribute(at + 2, at + 2 + at[1]) &&
            !WellFormed(*layout.Find(kAttributes), Text(at + 2, at[1]), 1)) {
          return {};
        }
        at += 2u + at[1];
        continue;
      case Tag(6, WireType::kVarint):  // kind
        if (left < 2 || at[1] >= 0x80) break;
        at += 2;
        continue;
      case Tag(7, WireType::kFixed64):  // start, end
      case Tag(8, WireType::kFixed64):
        if (left < 9) break;
        at += 9;
        continue;
      default:
        break;
    }
    Reader reader(Text(at, left));
    Field field;
    if (!reader.Next(field)) return {};
    at += field.encoded.size();
    const bool bytes = field.type == WireType::kBytes;
    if (bytes && field.number <= kParentId) ids.Set(field.number, field.bytes);
    if (!all) continue;
    if (const Layout* nested = layout.Find(field.number)) {
      if (!bytes || !WellFormed(*nested, field.bytes, 1)) return {};
    }
  }
  return {.well_formed = true, .valid = ids.valid()};
}

}  // namespace wirespan::otlp
