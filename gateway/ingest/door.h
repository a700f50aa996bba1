#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/telemetry/metrics.h"
#include "gateway/pipeline/batch.h"
#include "gateway/pipeline/memory_budget.h"

namespace wirespan::gateway {

// Where requests enter, whatever transport brought them: counts bytes against the memory budget,
// walks the wire format once to check it and count items, takes out those whose ids no backend
// could store, hands the batch to the signal's pipelines and answers. One door for each receiver
// and transport. Thread-safe.
class Door {
 public:
  struct Pipelines {
    std::array<Consumer*, kSignals.size()>
        by_signal{};  // null: no pipeline takes this signal from this receiver
    std::array<Gates, kSignals.size()>
        gates{};  // of all exporters that the signal reaches from here
  };

  Door(std::string receiver, std::string transport, Pipelines pipelines,
       std::shared_ptr<MemoryBudget> budget, telemetry::Registry& registry);

  bool Takes(Signal signal) const { return Next(signal) != nullptr; }

  // `lease` covers the request's bytes (see Admit); Withdraw it when the sender gives up. `answer`
  // is called once: what to tell the sender.
  void Enter(Signal signal, Bytes bytes, std::shared_ptr<Lease> lease, Ack::Callback answer,
             std::shared_ptr<const Metadata> metadata = nullptr);

  // Before a message is read whose size is not known yet: a promise of memory for one as large as
  // they have been of late. Null: there is none, so it should not be read; answer with
  // Overloaded(). To be dropped when the message is there and Admit counts it.
  std::shared_ptr<const void> AdmitReading();
  // A message had this size.
  void HasRead(std::size_t bytes);

  // The same where the size is known, such as a body with a Content-Length.
  std::shared_ptr<const void> AdmitBody(std::size_t bytes);

  // Memory for a request of so many bytes; null if there is none: answer with Overloaded().
  std::shared_ptr<Lease> Admit(std::size_t bytes);
  // The same request needs more: false if there is none.
  bool AdmitMore(Lease& lease, std::size_t bytes);
  static Outcome Overloaded();

  // A request that did not get as far as Enter: counted as a refused or failed request without
  // items.
  void CountTurnedAway(const Outcome& outcome);

 private:
  struct Counters {
    telemetry::Counter* accepted = nullptr;
    telemetry::Counter* refused = nullptr;
    telemetry::Counter* failed = nullptr;
    telemetry::Counter* invalid = nullptr;
    telemetry::Counter* in_memory = nullptr;
  };
  // All or nothing: into the pipelines if every exporter has room.
  void Bring(Batch batch);
  Consumer* Next(Signal signal) const { return pipelines_.by_signal[IndexOf(signal)]; }

  const Pipelines pipelines_;
  const std::shared_ptr<MemoryBudget> budget_;
  // Of a message, a moving average; large at first, when many may come at once and none is known.
  std::atomic<std::size_t> usual_bytes_{256 << 10};
  std::array<Counters, kSignals.size()> items_{};
  Counters requests_{};
};

}  // namespace wirespan::gateway
