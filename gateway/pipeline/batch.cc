#include "gateway/pipeline/batch.h"

#include <algorithm>
#include <utility>

namespace wirespan::gateway {

void FanOut::Consume(Batch batch) {
  std::vector<Ack> acks = ForkAck(std::move(batch.ack), next_.size());
  for (std::size_t i = 0; i < next_.size(); ++i) {
    Batch part;
    part.signal = batch.signal;
    part.items = batch.items;
    part.metadata = batch.metadata;
    const bool last = i + 1 == next_.size();
    part.bytes = last ? std::move(batch.bytes) : batch.bytes;
    part.leases = last ? std::move(batch.leases) : batch.leases;
    part.ack = std::move(acks[i]);
    part.ledger = batch.ledger;
    part.lane = batch.lane;
    next_[i]->Consume(std::move(part));
  }
}

bool FanOut::Ready() const {
  return std::all_of(next_.begin(), next_.end(),
                     [](const Consumer* next) { return next->Ready(); });
}

void FanOut::Listen(std::weak_ptr<const SlotSignal::Listener> listener) {
  for (Consumer* next : next_) next->Listen(listener);
}

}  // namespace wirespan::gateway
