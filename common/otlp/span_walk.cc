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
bool PlainAttribute(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = at + text.size();
  if (text.size() < 4 || at[0] != Tag(1, WireType::kBytes) || at[1] >= 0x80) return false;
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

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

SpanCheck CheckSpan(const Layout& layout, std::string_view span, WalkDepth depth) {
  const bool all = depth == WalkDepth::kAll;
  std::string_view trace_id, span_id, parent_id;
  Reader reader(span);
  for (Field field; reader.Next(field);) {
    const bool bytes = field.type == WireType::kBytes;
    if (field.number == kAttributes && bytes) {
      if (!all || PlainAttribute(field.bytes)) continue;
    } else if (field.number <= kParentId && bytes) {
      if (field.number == kTraceId) trace_id = field.bytes;
      if (field.number == kSpanId) span_id = field.bytes;
      if (field.number == kParentId) parent_id = field.bytes;
      continue;
    }
    if (!all) continue;
    if (const Layout* nested = layout.Find(field.number)) {
      if (!bytes || !WellFormed(*nested, field.bytes, 1)) return {};
    }
  }
  SpanCheck check;
  check.well_formed = reader.ok();
  check.valid = trace_id.size() == 16 && span_id.size() == 8 && !AllZero(trace_id) &&
                !AllZero(span_id) && (parent_id.empty() || parent_id.size() == 8);
  return check;
}

}  // namespace wirespan::otlp
