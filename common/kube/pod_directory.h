#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/address.h"
#include "common/kube/pod.h"
#include "common/kube/watched_set.h"

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
class PodDirectory final : public WatchedSet<Pod> {
 public:
  using PodPtr = RecordPtr;

  PodDirectory(PodDirectoryOptions options, const Clock& clock, telemetry::Registry& registry);

  PodPtr FindByUid(std::string_view uid) const;
  PodPtr FindByContainer(std::string_view container_id) const;
  // An empty namespace: the only pod of this name. Of deleted and living ones the living.
  PodPtr FindByName(std::string_view name, std::string_view name_space) const;
  // Who had the address at a moment, in nanoseconds since 1970; 0: who has it now or, if nobody
  // has, had it last.
  PodPtr FindByAddress(std::string_view address, std::uint64_t at_ns) const;

 private:
  struct Tenure {
    std::string uid{};
    std::uint64_t from_ns = 0;   // since 1970
    std::uint64_t until_ns = 0;  // 0: to this day
  };

  std::optional<Pod> Read(const Object& object) const override;
  void Index(const PodPtr& pod) override;
  void Unindex(const Pod& pod) override;
  void Left(const Pod& pod) override;
  void Forgotten(const Pod& pod) override;

  void Lend(const Pod& pod);
  template <class Change>
  void EachTenure(const Pod& pod, Change change);

  const PodDirectoryOptions options_;
  StringMap<std::string> containers_;                // id -> uid
  StringMap<std::vector<std::string>> names_;        // -> uids
  FlatMap<Address, std::vector<Tenure>> addresses_;  // oldest first
  StringMap<std::vector<Address>> lent_;             // uid -> those with a tenure of this pod
};

}  // namespace wirespan::kube
