#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/otlp/signal.h"
#include "common/otlp/wire.h"

// Which fields of OTLP's messages are messages themselves: enough to walk a request without the
// generated classes.
namespace wirespan::otlp {

// The way from a request down to its items: at each level the fields that lead on.
//
//   traces   request -1-> ResourceSpans -2-> ScopeSpans -2-> Span
//   logs     request -1-> ResourceLogs -2-> ScopeLogs -2-> LogRecord
//   metrics  request -1-> ResourceMetrics -2-> ScopeMetrics -2-> Metric -5,7,9,10,11-> Gauge, ...
//   -1-> point
//   profiles request -1-> ResourceProfiles -2-> ScopeProfiles -2-> Profile -2-> Sample
struct Path {
  std::size_t levels = 0;
  std::array<std::uint32_t, 5> children{};  // a bit per field number

  bool Leads(std::size_t level, std::uint32_t number) const {
    return number < 32 && ((children[level] >> number) & 1u) != 0;
  }
  bool IsChild(std::size_t level, const Field& field) const {
    return field.type == WireType::kBytes && Leads(level, field.number);
  }
  // The right number with another wire type: no protobuf implementation takes that for the message
  // it should be.
  bool IsWrongType(std::size_t level, const Field& field) const {
    return field.type != WireType::kBytes && Leads(level, field.number);
  }
};
const Path& PathOf(Signal signal);

// A message type, reduced to its nested messages.
struct Layout;
struct Nested {
  std::uint32_t number = 0;
  const Layout* layout = nullptr;
};
struct Layout {
  const Nested* nested = nullptr;
  std::size_t count = 0;
  std::uint32_t numbers = 0;  // a bit per field number in `nested`, all below 32

  // Null: the field is no message.
  const Layout* Find(std::uint32_t number) const;
};
const Layout& RequestLayout(Signal signal);

// Every field and nested message can be read, values nested no deeper than kMaxValueDepth.
bool WellFormed(const Layout& layout, std::string_view message, int depth = 0);

}  // namespace wirespan::otlp
