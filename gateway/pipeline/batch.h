#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/pipeline/admission.h"
#include "gateway/pipeline/bytes.h"
#include "gateway/pipeline/metadata.h"
#include "gateway/pipeline/outcome.h"
#include "gateway/pipeline/pipeline_ledger.h"
#include "gateway/pipeline/signal.h"
#include "gateway/pipeline/slot_signal.h"

namespace wirespan::gateway {

// What flows through a pipeline: the wire bytes of an Export<Signal>ServiceRequest as they were
// received, never decoded on the way, and the answer owed for them. Whoever holds the batch holds
// the duty to answer.
struct Batch {
  Signal signal = Signal::kTraces;
  std::uint64_t items = 0;  // spans, data points or log records
  Bytes bytes{};
  std::shared_ptr<const Metadata> metadata{};  // null: none was asked for
  Leases leases{};                             // of the requests that it was made from
  Ack ack{};
  // Where its items are entered in the books; null outside of a graph. Both live as long as the
  // process.
  PipelineLedger* ledger = nullptr;  // of the pipeline: processors say there what they drop
  ExporterLane* lane = nullptr;      // of the pipeline's way through one exporter
};

// A stage: a processor, a fan-out or an exporter.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // Takes the batch and answers its ack, now or later, on any thread. Thread-safe; does not wait
  // for the network.
  virtual void Consume(Batch batch) = 0;

  // Would a batch that came now be under way at once? False: it would wait behind others, so
  // whoever has time to join batches may use it. A hint: it may be outdated when it is read.
  virtual bool Ready() const { return true; }
  // The listener is called whenever Ready() may have turned true (see SlotSignal). Who is always
  // ready has nothing to tell.
  virtual void Listen(std::weak_ptr<const SlotSignal::Listener>) {}
};

// The next stages of a fan-out share the bytes; each answers, the joint outcome goes back. The
// consumers outlive it.
class FanOut : public Consumer {
 public:
  explicit FanOut(std::vector<Consumer*> next) : next_(std::move(next)) {}
  void Consume(Batch batch) override;

  // Ready when all are: one batch for all must not wait at any of them. An exporter that holds
  // batches for long without an answer owed for them (on disk) stays ready meanwhile, so a
  // backend that is down slows no other.
  bool Ready() const override;
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override;

 private:
  std::vector<Consumer*> next_;
};

}  // namespace wirespan::gateway
