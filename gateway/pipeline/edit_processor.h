#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/otlp/edit.h"
#include "gateway/pipeline/processor.h"

namespace wirespan::gateway {

// A processor that changes or drops messages inside a batch: works on the caller's thread, holds
// nothing, and passes the batch on as it came if nothing changed. A batch of which nothing is left
// is answered OK and goes no further.
class EditProcessor : public Processor {
 public:
  // `id` and `reason` are what the ledger calls what it drops.
  EditProcessor(std::string id, std::string_view reason, Consumer& next)
      : Processor(next), id_(std::move(id)), reason_(reason) {}
  void Consume(Batch batch) final;

 protected:
  // An editor for one batch, on this thread.
  virtual std::unique_ptr<otlp::MessageEditor> Begin(const Batch& batch) = 0;
  // After the walk. Not ok: the batch is answered with this and goes no further. `edited.dropped`
  // items are gone.
  virtual Outcome End(otlp::MessageEditor&, const otlp::EditResult&) { return {}; }

  const std::string id_;

 private:
  void Refuse(Batch& batch, Outcome outcome);

  const std::string_view reason_;
};

}  // namespace wirespan::gateway
