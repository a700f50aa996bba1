#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "gateway/pipeline/bytes.h"
#include "gateway/pipeline/metadata.h"
#include "gateway/pipeline/outcome.h"
#include "gateway/pipeline/signal.h"

namespace wirespan::gateway {

// One attempt's request.
struct Outgoing {
  Signal signal = Signal::kTraces;
  std::uint64_t items = 0;
  Bytes bytes{};
  std::shared_ptr<const Metadata> metadata{};  // of the tenant; null: none
};

// The last step out of the process: one attempt to hand over one request. Queueing, retries and
// counting are the QueuedExporter's.
class Sender {
 public:
  virtual ~Sender() = default;  // cancels what is under way and answers for it before it returns
  // What it compresses requests with. Bytes that were received in this encoding may come without
  // their plain form (Bytes::ReceivedIn).
  virtual otlp::Encoding wire_encoding() const { return otlp::Encoding::kIdentity; }
  // Calls `done` exactly once, on any thread, perhaps before it returns. Thread-safe.
  virtual void Send(Outgoing request, std::function<void(Outcome)> done) = 0;
};

}  // namespace wirespan::gateway
