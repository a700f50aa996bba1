#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/kube/pod.h"
#include "common/kube/watched_set.h"

namespace wirespan::kube {

struct PodTableOptions {
  std::string node{};  // only its pods are kept, whatever the server sends
  PodOptions pods{};
  std::size_t max_pods = 2048;  // deleted ones included; beyond it new ones are left out, counted
  // Exchanges of a deleted pod may still come out.
  std::chrono::seconds grace{120};
};

// The pods of one node. Thread-safe.
class PodTable final : public WatchedSet<Pod> {
 public:
  PodTable(PodTableOptions options, const Clock& clock, telemetry::Registry& registry);

  // By what the control group says. `uid` may be empty (the group's path is relative to a pod's
  // own): then by the container alone. A uid that is known decides, also where the container is not
  // known yet.
  PodPlace Find(std::string_view uid, std::string_view container_id) const;

  // Counts up with every change that Find could show.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  std::optional<Pod> Read(const Object& object) const override;
  bool IsOurs(const Pod& pod) override;
  void Inherit(const Pod& before, Pod& now) const override;
  void Index(const RecordPtr& pod) override;
  void Unindex(const Pod& pod) override;
  void Changed() override { version_.fetch_add(1, std::memory_order_acq_rel); }

  const PodTableOptions options_;
  StringMap<std::string> static_uids_;                         // -> uid
  StringMap<std::pair<std::string, std::string>> containers_;  // id -> uid and name
  std::atomic<std::uint64_t> version_{0};
  telemetry::Counter& foreign_;
};

}  // namespace wirespan::kube
