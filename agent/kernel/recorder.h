#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/connection/event.h"
#include "agent/kernel/recording_format.h"
#include "common/base/result.h"

namespace wirespan::kernel {

struct RecorderOptions {
  std::uint64_t max_bytes = 256u << 20;  // of the file; events beyond it are counted, not written
  // Keep the values of Authorization, Proxy-Authorization, Cookie and Set-Cookie, else 'x' of the
  // same length; and the arguments of programs, else none.
  bool raw = false;
  RecordingHead head{};
};

// Writes events to a file (docs/format/recording.md) that ReplaySource reads. Same thread as the
// source.
class Recorder : public connection::EventHandler {
 public:
  // Makes the file, mode 0600; an existing one is an error.
  static Result<std::unique_ptr<Recorder>> Create(const std::string& path,
                                                  const RecorderOptions& options);

  // Who a process is: before the first event of it, and again when that changed.
  virtual void OnProcess(const RecordedProcess& process) = 0;
  // Writes what is still buffered and says whether every write succeeded.
  virtual Result<> Finish() = 0;
  virtual std::uint64_t bytes_written() const = 0;  // head and frames included
  virtual std::uint64_t events_written() const = 0;
  virtual std::uint64_t events_dropped() const = 0;  // over max_bytes, or after a failed write
  virtual bool full() const = 0;
};

}  // namespace wirespan::kernel
