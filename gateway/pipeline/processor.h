#pragma once

#include "gateway/pipeline/batch.h"

namespace wirespan::gateway {

// A stage of one pipeline between receivers and exporters. One object for each time a pipeline
// names it; what comes next outlives it. Consume() works on the caller's thread: receivers have
// many.
class Processor : public Consumer {
 public:
  explicit Processor(Consumer& next) : next_(next) {}

  // Passes on what is held, and from now on everything at once. Most hold nothing.
  virtual void Drain() {}

  bool Ready() const override { return next_.Ready(); }
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    next_.Listen(std::move(listener));
  }

 protected:
  Consumer& next_;
};

}  // namespace wirespan::gateway
