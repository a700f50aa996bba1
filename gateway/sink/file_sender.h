#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// One file that all signals of an exporter write to. Format json: one request a line, as the
// Collector's file exporter writes; proto: each request with its length in front (4 bytes,
// big-endian). Every write reaches the kernel before it is answered. With rotation the full file is
// renamed to <stem>-<UTC time><extension> and the oldest are deleted.
class FileWriter {
 public:
  static Result<std::shared_ptr<FileWriter>> Open(FileOptions options);
  virtual ~FileWriter() = default;
  virtual Result<> Write(Signal signal, const Bytes& bytes) = 0;  // thread-safe
};

std::unique_ptr<Sender> CreateFileSender(std::shared_ptr<FileWriter> writer);

}  // namespace wirespan::gateway
