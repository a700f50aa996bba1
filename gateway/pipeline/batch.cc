#include "gateway/pipeline/batch.h"

#include <utility>

namespace wirespan::gateway {

void FanOut::Consume(Batch batch) {
  std::vector<Ack> acks = ForkAck(std::move(batch.ack), next_.size());
  for (std::size_t i = 0; i < next_.size(); ++i) {
    Batch part;
    part.signal = batch.signal;
    part.items = batch.items;
    const bool last = i + 1 == next_.size();
    part.bytes = last ? std::move(batch.bytes) : batch.bytes;
    part.leases = last ? std::move(batch.leases) : batch.leases;
    part.ack = std::move(acks[i]);
    part.ledger = batch.ledger;
    part.lane = batch.lane;
    next_[i]->Consume(std::move(part));
  }
}

}  // namespace wirespan::gateway
