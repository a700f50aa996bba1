#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/flat_map.h"
#include "common/kube/pod.h"
#include "common/kube/watch_handler.h"
#include "common/telemetry/metrics.h"

namespace wirespan::kube {

struct PodTableOptions {
  std::string node{};  // only its pods are kept, whatever the server sends
  PodOptions pods{};
  std::size_t max_pods = 2048;  // deleted ones included; beyond it new ones are left out, counted
  // Exchanges of a deleted pod may still come out.
  std::chrono::seconds grace{120};
};

// The pods of one node. Thread-safe.
class PodTable final : public WatchHandler {
 public:
  PodTable(PodTableOptions options, const Clock& clock, telemetry::Registry& registry);

  // By what the control group says. `uid` may be empty (the group's path is relative to a pod's
  // own): then by the container alone. A uid that is known decides, also where the container is not
  // known yet.
  PodPlace Find(std::string_view uid, std::string_view container_id) const;

  // Counts up with every change that Find could show.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  bool listed() const { return listed_.load(std::memory_order_acquire); }  // once at least
  std::size_t size() const;

  void OnList() override;
  void OnObject(Object& object) override;
  void OnGone(Object& object) override;
  void OnListed() override;

 private:
  struct Entry {
    std::shared_ptr<const Pod> pod{};
    std::uint64_t list = 0;     // the last one that had it
    std::uint64_t gone_ns = 0;  // 0: it is there
  };

  // All with mutex_ held.
  void Put(Pod pod);
  void MarkGone(Entry& entry);
  void ForgetOld();
  void Index(const std::shared_ptr<const Pod>& pod);
  void Unindex(const Pod& pod);
  void Changed();

  const PodTableOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;                                   // guards all below but the atomics
  StringMap<Entry> pods_;                                      // by uid
  StringMap<std::string> static_uids_;                         // -> uid
  StringMap<std::pair<std::string, std::string>> containers_;  // id -> uid and name
  std::deque<std::pair<std::string, std::uint64_t>> gone_;     // uid, gone_ns; oldest first
  std::uint64_t list_ = 0;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<bool> listed_{false};

  telemetry::Gauge& known_;
  telemetry::Counter& foreign_;
  telemetry::Counter& malformed_;
  telemetry::Counter& full_;
};

}  // namespace wirespan::kube
