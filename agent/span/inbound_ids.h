#pragma once

#include <cstdint>
#include <deque>

#include "agent/span/span.h"
#include "common/base/flat_map.h"

namespace wirespan::span {

// Remembers the parent ids of requests that came into each process, to tell a process that passes a
// traceparent on (a proxy) from one that makes span ids itself (instrumented). Pipeline thread
// only.
class InboundIds {
 public:
  // No verdict before `start_ns` + kWarmUp: what came in before we looked may go out now.
  explicit InboundIds(std::uint64_t start_ns) : start_ns_(start_ns) {}

  void Add(std::uint32_t pid, const SpanId& id, std::uint64_t now_ns);
  // True: this id came into the process, or nobody can say that it did not.
  bool MayHaveComeIn(std::uint32_t pid, const SpanId& id, std::uint64_t now_ns) const;

 private:
  static constexpr std::size_t kRemembered = 65536;
  static constexpr std::uint64_t kWarmUp = 5'000'000'000;
  static constexpr std::uint64_t kHorizon =
      5'000'000'000;  // a memory shorter than this decides nothing
  struct Entry {
    std::uint64_t name = 0;
    std::uint64_t time_ns = 0;
  };
  static std::uint64_t NameOf(std::uint32_t pid, const SpanId& id);

  std::uint64_t start_ns_;
  FlatMap<std::uint64_t, std::uint32_t> names_;  // how many entries of order_ have it
  std::deque<Entry> order_;
  std::uint64_t forgotten_ns_ = 0;  // when the youngest forgotten entry came in
};

}  // namespace wirespan::span
