#pragma once

#include <memory>
#include <utility>

#include "gateway/pipeline/batch.h"

// The two ends of a pipeline, where the ledger counts. Both only look.
namespace wirespan::gateway {

// Before the first processor: what the receivers bring, and how they are answered.
class PipelineEntry : public Consumer {
 public:
  PipelineEntry(PipelineLedger& ledger, Consumer& next) : ledger_(ledger), next_(next) {}
  void Consume(Batch batch) override;
  bool Ready() const override { return next_.Ready(); }
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    next_.Listen(std::move(listener));
  }

 private:
  PipelineLedger& ledger_;
  Consumer& next_;
};

// After the last processor, before the fan-out.
class PipelineExit : public Consumer {
 public:
  PipelineExit(PipelineLedger& ledger, Consumer& next) : ledger_(ledger), next_(next) {}
  void Consume(Batch batch) override;
  bool Ready() const override { return next_.Ready(); }
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    next_.Listen(std::move(listener));
  }

 private:
  PipelineLedger& ledger_;
  Consumer& next_;
};

// Between the fan-out and one exporter, which does the rest of the lane's counting.
class LaneEntry : public Consumer {
 public:
  LaneEntry(ExporterLane& lane, Consumer& next) : lane_(lane), next_(next) {}
  void Consume(Batch batch) override;
  bool Ready() const override { return next_.Ready(); }
  void Listen(std::weak_ptr<const SlotSignal::Listener> listener) override {
    next_.Listen(std::move(listener));
  }

 private:
  ExporterLane& lane_;
  Consumer& next_;
};

}  // namespace wirespan::gateway
