#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/pipeline/admission.h"
#include "gateway/pipeline/bytes.h"
#include "gateway/pipeline/outcome.h"
#include "gateway/pipeline/signal.h"

namespace wirespan::gateway {

// What flows through a pipeline: the wire bytes of an Export<Signal>ServiceRequest as they were
// received, never decoded on the way, and the answer owed for them. Whoever holds the batch holds
// the duty to answer.
struct Batch {
  Signal signal = Signal::kTraces;
  std::uint64_t items = 0;  // spans, data points or log records
  Bytes bytes{};
  Leases leases{};  // of the requests that it was made from
  Ack ack{};
};

// A stage: a processor, a fan-out or an exporter.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // Takes the batch and answers its ack, now or later, on any thread. Thread-safe; does not wait
  // for the network.
  virtual void Consume(Batch batch) = 0;
};

// The next stages of a fan-out share the bytes; each answers, the joint outcome goes back. The
// consumers outlive it.
class FanOut : public Consumer {
 public:
  explicit FanOut(std::vector<Consumer*> next) : next_(std::move(next)) {}
  void Consume(Batch batch) override;

 private:
  std::vector<Consumer*> next_;
};

}  // namespace wirespan::gateway
