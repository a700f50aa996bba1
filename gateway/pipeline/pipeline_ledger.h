#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The gateway's ledger (docs/ledger.md): where the items of each pipeline are. Flow based, so that
// it closes whatever was answered to whom:
//
//   pipeline:                entered = dropped{component, reason} + held + passed to its exporters
//   pipeline and exporter:   entered = refused + sent + rejected + dropped{reason} + held
//
// `held` is what is left, computed from one reading (outflow first, so it never goes below zero
// while things move). That it is zero when nothing moves, and equal to what the queues say they
// hold, is what the tests assert.
namespace wirespan::gateway {

// The items of one pipeline on their way through one exporter. A batch carries its lane from the
// pipeline's end on (Batch::lane); whoever joins batches of several lanes keeps the items of each.
class ExporterLane {
 public:
  void Entered(std::uint64_t items) { entered_.fetch_add(items, std::memory_order_relaxed); }
  // Each item that entered comes to exactly one of these ends, once:
  void Refused(std::uint64_t items) { refused_.fetch_add(items, std::memory_order_release); }
  void Sent(std::uint64_t items) { sent_.fetch_add(items, std::memory_order_release); }
  void Rejected(std::uint64_t items) { rejected_.fetch_add(items, std::memory_order_release); }
  // After it was acknowledged, or given up for good. Few reasons: "failed", "shutdown", "expired".
  void Dropped(std::string_view reason, std::uint64_t items);

  const std::string& pipeline() const { return pipeline_; }

  struct Snapshot {
    std::string pipeline{};
    std::string exporter{};
    std::uint64_t entered = 0;
    std::uint64_t refused = 0;   // the sender was told so and has them still
    std::uint64_t sent = 0;      // acknowledged by the next hop
    std::uint64_t rejected = 0;  // the next hop's partial success
    std::map<std::string, std::uint64_t, std::less<>> dropped{};
    std::uint64_t held = 0;  // queued, under way, waiting for a retry
  };
  Snapshot snapshot() const;

 private:
  friend class LedgerBook;
  friend class PipelineLedger;
  ExporterLane(std::string pipeline, std::string exporter)
      : pipeline_(std::move(pipeline)), exporter_(std::move(exporter)) {}

  const std::string pipeline_;
  const std::string exporter_;
  std::atomic<std::uint64_t> entered_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> rejected_{0};
  mutable std::mutex mutex_;  // guards dropped_
  std::map<std::string, std::uint64_t, std::less<>> dropped_{};
};

// The items of one pipeline from its receivers to its exporters. A batch carries it
// (Batch::ledger), so that processors can say what they took out.
class PipelineLedger {
 public:
  void Entered(std::uint64_t items) { entered_.fetch_add(items, std::memory_order_relaxed); }
  // By a processor: component "filter/health", reason "filtered" or "sampled_out".
  void Dropped(std::string_view component, std::string_view reason, std::uint64_t items);
  // To the exporters: once, however many there are.
  void Passed(std::uint64_t items) { passed_.fetch_add(items, std::memory_order_release); }
  // The answers of the pipeline to its receivers; they say what senders were told, not where the
  // items are.
  void Answered(bool ok, std::uint64_t items) {
    (ok ? accepted_ : turned_away_).fetch_add(items, std::memory_order_relaxed);
  }

  struct Snapshot {
    std::string pipeline{};
    std::uint64_t entered = 0;
    std::uint64_t accepted = 0;
    std::uint64_t turned_away = 0;
    std::map<std::pair<std::string, std::string>, std::uint64_t> dropped{};  // component, reason
    std::uint64_t passed = 0;                                                // to the exporters
    std::uint64_t held = 0;                                                  // in processors
    std::vector<ExporterLane::Snapshot> exporters{};
  };
  Snapshot snapshot() const;

 private:
  friend class LedgerBook;
  explicit PipelineLedger(std::string id) : id_(std::move(id)) {}
  ExporterLane& Lane(const std::string& exporter);

  const std::string id_;
  std::atomic<std::uint64_t> entered_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  std::atomic<std::uint64_t> passed_{0};
  mutable std::mutex mutex_;  // guards dropped_ and lanes_
  std::map<std::pair<std::string, std::string>, std::uint64_t> dropped_{};
  std::map<std::string, std::unique_ptr<ExporterLane>> lanes_{};
};

// All pipelines of the process, those of former configurations included: counters never go back.
// References stay good as long as the book. Thread-safe.
class LedgerBook {
 public:
  PipelineLedger& Pipeline(const std::string& id);
  ExporterLane& Lane(const std::string& pipeline, const std::string& exporter) {
    return Pipeline(pipeline).Lane(exporter);
  }
  std::vector<PipelineLedger::Snapshot> Snapshots() const;

 private:
  mutable std::mutex mutex_;  // guards pipelines_
  std::map<std::string, std::unique_ptr<PipelineLedger>> pipelines_{};
};

}  // namespace wirespan::gateway
