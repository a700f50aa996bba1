#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/connection/event.h"
#include "common/base/result.h"

namespace wirespan::kernel {

struct RecorderOptions {
  std::uint64_t max_bytes = 256u << 20;  // of the file; events beyond it are counted, not written
  bool raw = false;  // keep the values of Authorization, Proxy-Authorization, Cookie and
                     // Set-Cookie; else 'x' of the same length
  // Times of the recording: CLOCK_REALTIME minus CLOCK_MONOTONIC at its start, in ns; goes into the
  // file's head.
  std::int64_t realtime_offset_ns = 0;
};

// Writes events to a file (docs/format/recording.md) that ReplaySource reads. Same thread as the
// source.
class Recorder : public connection::EventHandler {
 public:
  // Makes the file, mode 0600; an existing one is an error.
  static Result<std::unique_ptr<Recorder>> Create(const std::string& path,
                                                  const RecorderOptions& options);

  // Writes what is still buffered and says whether every write succeeded.
  virtual Result<> Finish() = 0;
  virtual std::uint64_t events_written() const = 0;
  virtual std::uint64_t events_dropped() const = 0;  // over max_bytes, or after a failed write
  virtual bool full() const = 0;
};

}  // namespace wirespan::kernel
