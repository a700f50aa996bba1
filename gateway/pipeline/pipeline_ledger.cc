#include "gateway/pipeline/pipeline_ledger.h"

namespace wirespan::gateway {

void ExporterLane::Dropped(std::string_view reason, std::uint64_t items) {
  if (items == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = dropped_.find(reason);
  if (found != dropped_.end()) {
    found->second += items;
  } else {
    dropped_.emplace(std::string(reason), items);
  }
}

ExporterLane::Snapshot ExporterLane::snapshot() const {
  Snapshot out{.pipeline = pipeline_, .exporter = exporter_};
  out.refused = refused_.load(std::memory_order_acquire);
  out.sent = sent_.load(std::memory_order_acquire);
  out.rejected = rejected_.load(std::memory_order_acquire);
  {
    const std::lock_guard lock(mutex_);
    out.dropped = dropped_;
  }
  out.entered = entered_.load(std::memory_order_acquire);
  std::uint64_t gone = out.refused + out.sent + out.rejected;
  for (const auto& [reason, items] : out.dropped) gone += items;
  out.held = out.entered - gone;
  return out;
}

void PipelineLedger::Dropped(std::string_view component, std::string_view reason,
                             std::uint64_t items) {
  if (items == 0) return;
  const std::lock_guard lock(mutex_);
  dropped_[{std::string(component), std::string(reason)}] += items;
}

ExporterLane& PipelineLedger::Lane(const std::string& exporter) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<ExporterLane>& lane = lanes_[exporter];
  if (lane == nullptr) lane.reset(new ExporterLane(id_, exporter));
  return *lane;
}

PipelineLedger::Snapshot PipelineLedger::snapshot() const {
  Snapshot out{.pipeline = id_};
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [exporter, lane] : lanes_) out.exporters.push_back(lane->snapshot());
    out.dropped = dropped_;
  }
  out.passed = passed_.load(std::memory_order_acquire);
  std::uint64_t gone = out.passed;
  for (const auto& [key, items] : out.dropped) gone += items;
  out.accepted = accepted_.load(std::memory_order_acquire);
  out.turned_away = turned_away_.load(std::memory_order_acquire);
  out.entered = entered_.load(std::memory_order_acquire);
  out.held = out.entered - gone;
  return out;
}

PipelineLedger& LedgerBook::Pipeline(const std::string& id) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<PipelineLedger>& ledger = pipelines_[id];
  if (ledger == nullptr) ledger.reset(new PipelineLedger(id));
  return *ledger;
}

std::vector<PipelineLedger::Snapshot> LedgerBook::Snapshots() const {
  std::vector<PipelineLedger::Snapshot> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, ledger] : pipelines_) out.push_back(ledger->snapshot());
  return out;
}

}  // namespace wirespan::gateway
