#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/span/span.h"

// W3C Trace Context, as found on the wire: hostile input, read strictly.
namespace wirespan::span {

struct Traceparent {
  TraceId trace_id{};
  SpanId parent_id{};
  std::uint8_t flags = 0;  // of version 00: sampled (1), random (2); others cleared
  bool sampled() const { return (flags & 1) != 0; }
  friend bool operator==(const Traceparent&, const Traceparent&) = default;
};

// nullopt: not a valid header; the recommendation says to go on as if there were none. Versions
// above 00 are read by their first four fields; ff, upper case and all-zero ids are invalid.
// Surrounding blanks are allowed (RFC 9110 OWS).
std::optional<Traceparent> ParseTraceparent(std::string_view text);

// The header as it may be passed on: at most 512 bytes, 32 members, each `key=value` of printable
// characters. Longer lists lose whole members from the right. Empty: nothing that is worth keeping,
// or not a tracestate.
std::string_view BoundedTracestate(std::string_view text);

}  // namespace wirespan::span
