#pragma once

#include <cstdint>
#include <memory>

#include "agent/span/span.h"

namespace wirespan::span {

// What a span needs to know of the process behind it. agent/app joins this to agent/process, which
// finds it out.
struct ProcessView {
  std::shared_ptr<const Resource> resource{};
  bool reported = true;       // false: the filter excludes it; drop{reason=excluded}
  bool instrumented = false;  // an OpenTelemetry SDK reports its spans: metrics only
};

class ProcessLookup {
 public:
  virtual ~ProcessLookup() = default;
  // Never blocks long (one /proc read at most); the same answer for the same living process until
  // it changes.
  virtual ProcessView Find(std::uint32_t pid) = 0;
  // A request left `pid` with a span id that no inbound request had (`exported`: it was a telemetry
  // export): the process reports its own spans.
  virtual void NoteInstrumented(std::uint32_t pid, bool exported) = 0;
};

}  // namespace wirespan::span
