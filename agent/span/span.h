#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/span/attribute_list.h"

namespace wirespan::span {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

enum class Kind : std::uint8_t { kServer = 2, kClient = 3 };           // numbers of OTLP
enum class Status : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };  // numbers of OTLP

// Who made the telemetry: one observed process (or service instance). Immutable, shared by its
// spans and metrics.
struct Resource {
  std::string service_name{};
  std::vector<
      std::pair<std::string, std::variant<std::string, std::int64_t, std::vector<std::string>>>>
      attributes{};
  std::uint32_t pid = 0;
};

// A finished span, all decisions made. Times: ns since 1970 UTC. Its texts may be borrowed from the
// exchange it was made of; those of a copy are its own.
struct Span {
  TraceId trace_id{};
  SpanId span_id{};
  SpanId parent_id{};      // all zero: none
  std::uint8_t flags = 1;  // W3C trace flags; bit 0: sampled
  Text trace_state{};
  Kind kind = Kind::kServer;
  Status status = Status::kUnset;
  Text status_message{};  // of an error, for people
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  Text name{};
  AttributeList attributes{};
  std::shared_ptr<const Resource> resource{};
};

// Takes finished spans, one at a time, on the pipeline's thread. The span and what it points to
// hold during the call: who keeps it, copies it. Must not block: a full sink drops and counts.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void Accept(const Span& span) = 0;
};

}  // namespace wirespan::span
