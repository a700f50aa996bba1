#include "gateway/pipeline/edit_processor.h"

#include <algorithm>
#include <string>
#include <utility>

namespace wirespan::gateway {

// The sender is told, and has it still.
void EditProcessor::Refuse(Batch& batch, Outcome outcome) {
  if (batch.ledger != nullptr) batch.ledger->Dropped(id_, "refused", batch.items);
  batch.ack.Answer(std::move(outcome));
}

void EditProcessor::Consume(Batch batch) {
  std::string storage;
  const std::string_view request = batch.bytes.Contiguous(storage);
  const auto editor = Begin(batch);
  otlp::Writer out;
  const otlp::EditResult edited = otlp::EditRequest(batch.signal, request, *editor, out);
  if (!edited.ok) {
    // The door lets no such request in, so this guards what comes from elsewhere.
    Refuse(batch, Outcome::Reject(StatusCode::kInvalidArgument,
                                  "the request is not a well-formed protobuf message"));
    return;
  }
  if (Outcome outcome = End(*editor, edited); !outcome.ok()) {
    Refuse(batch, std::move(outcome));
    return;
  }
  if (edited.changed) {
    const auto dropped = std::min<std::uint64_t>(batch.items, edited.dropped);
    batch.items -= dropped;
    if (batch.ledger != nullptr && dropped > 0) batch.ledger->Dropped(id_, reason_, dropped);
    batch.bytes = Bytes(out.Take());
  }
  if (batch.items == 0) {
    batch.ack.Answer({});
    return;
  }
  next_.Consume(std::move(batch));
}

}  // namespace wirespan::gateway
