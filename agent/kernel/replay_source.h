#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/kernel/event_source.h"
#include "common/base/result.h"

namespace wirespan::kernel {

// A recording played as fast as the handler takes it. The file may be hostile: damaged records are
// counted and skipped (SourceStatus.counts, reason "damaged"), never an error.
class ReplaySource : public EventSource {
 public:
  // kInvalidArgument: not a recording, or of a later version.
  static Result<std::unique_ptr<ReplaySource>> Open(const std::string& path);
  // The same from memory (tests, fuzzing). Takes the bytes.
  static Result<std::unique_ptr<ReplaySource>> FromBytes(std::string bytes);

  // CLOCK_REALTIME minus CLOCK_MONOTONIC where it was recorded, in ns.
  virtual std::int64_t realtime_offset_ns() const = 0;
};

}  // namespace wirespan::kernel
