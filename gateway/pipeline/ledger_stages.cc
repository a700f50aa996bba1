#include "gateway/pipeline/ledger_stages.h"

namespace wirespan::gateway {

void PipelineEntry::Consume(Batch batch) {
  ledger_.Entered(batch.items);
  batch.ledger = &ledger_;
  batch.ack = Ack([&ledger = ledger_, items = batch.items,
                   ack = std::make_shared<Ack>(std::move(batch.ack))](Outcome outcome) {
    ledger.Answered(outcome.ok(), items);
    ack->Answer(std::move(outcome));
  });
  next_.Consume(std::move(batch));
}

void PipelineExit::Consume(Batch batch) {
  batch.ledger = &ledger_;
  ledger_.Passed(batch.items);
  next_.Consume(std::move(batch));
}

void LaneEntry::Consume(Batch batch) {
  lane_.Entered(batch.items);
  batch.lane = &lane_;
  next_.Consume(std::move(batch));
}

}  // namespace wirespan::gateway
