#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/kernel/event_source.h"
#include "agent/kernel/recording_format.h"
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

  virtual const RecordingHead& head() const = 0;
  // Told of each process before the events of it. At most once, before the first Poll.
  virtual void SetProcessHandler(std::function<void(RecordedProcess)> handler) = 0;
  // Records that were left out because their bytes are not what was written.
  virtual std::uint64_t damaged() const = 0;
  // The file ended inside a record, or the chain of records is broken: what followed is missing.
  virtual bool cut() const = 0;
};

}  // namespace wirespan::kernel
