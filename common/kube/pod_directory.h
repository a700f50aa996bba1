#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/flat_map.h"
#include "common/kube/address.h"
#include "common/kube/pod.h"
#include "common/kube/watch_handler.h"
#include "common/telemetry/metrics.h"

namespace wirespan::kube {

struct PodDirectoryOptions {
  std::string resource = "pods";  // the watch's, for labels
  PodOptions pods{};
  std::size_t max_pods = 65536;  // deleted ones included; beyond it new ones are left out, counted
  // What a deleted pod did may still be told.
  std::chrono::seconds grace{120};
};

// The pods of a cluster, to be found by what others call them; above all by their addresses, which
// are lent: the next pod has the same one, and what is told now may have happened before. So an
// address is looked up as of a moment:
//
//   10.1.0.7   |-- cart-x, from its start to its end --|     |-- web-y, from its start on ...
//              found: cart-x                            none  found: web-y
//
// Pods on the host's network have no address of their own and are found by their other names only.
// All Find functions give null for what is unknown, and for what more than one pod could be.
// Thread-safe.
class PodDirectory final : public WatchHandler {
 public:
  using PodPtr = std::shared_ptr<const Pod>;

  PodDirectory(PodDirectoryOptions options, const Clock& clock, telemetry::Registry& registry);

  PodPtr FindByUid(std::string_view uid) const;
  PodPtr FindByContainer(std::string_view container_id) const;
  // An empty namespace: the only pod of this name. Of deleted and living ones the living.
  PodPtr FindByName(std::string_view name, std::string_view name_space) const;
  // Who had the address at a moment, in nanoseconds since 1970; 0: who has it now or, if nobody
  // has, had it last.
  PodPtr FindByAddress(std::string_view address, std::uint64_t at_ns) const;

  bool listed() const { return listed_.load(std::memory_order_acquire); }  // once at least
  std::size_t size() const;

  void OnList() override;
  void OnObject(Object& object) override;
  void OnGone(Object& object) override;
  void OnListed() override;

 private:
  struct Entry {
    PodPtr pod{};
    std::uint64_t list = 0;       // the last one that had it
    std::uint64_t gone_ns = 0;    // monotonic; 0: it is there
    std::vector<Address> lent{};  // those with a tenure of this pod
  };
  struct Tenure {
    std::string uid{};
    std::uint64_t from_ns = 0;   // since 1970
    std::uint64_t until_ns = 0;  // 0: to this day
  };

  // All with mutex_ held.
  void Put(Pod pod);
  void MarkGone(Entry& entry);
  void ForgetOld();
  void Index(const Pod& pod);
  void Unindex(const Pod& pod);
  void Lend(Entry& entry);
  template <class Change>
  void EachTenure(const Entry& entry, Change change);
  PodPtr Get(std::string_view uid) const;

  const PodDirectoryOptions options_;
  const Clock& clock_;
  mutable std::shared_mutex mutex_;                           // guards all below but listed_
  StringMap<Entry> pods_;                                     // by uid
  StringMap<std::string> containers_;                         // id -> uid
  StringMap<std::vector<std::string>> names_;                 // -> uids
  FlatMap<Address, std::vector<Tenure>> addresses_;           // oldest first
  std::deque<std::pair<std::string, std::uint64_t>> gone_{};  // uid, gone_ns; oldest first
  std::uint64_t list_ = 0;
  std::atomic<bool> listed_{false};

  telemetry::Gauge& known_;
  telemetry::Counter& malformed_;
  telemetry::Counter& full_;
};

}  // namespace wirespan::kube
