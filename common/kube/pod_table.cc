#include "common/kube/pod_table.h"

#include <algorithm>

namespace wirespan::kube {
namespace {

constexpr std::size_t kMaxEarlierRuns = 32;

// Containers that were started again: events of the run before may still come.
void KeepEarlierRuns(const Pod& before, Pod& now) {
  std::size_t kept = 0;
  for (const PodContainer& old : before.containers) {
    if (old.id.empty() || kept >= kMaxEarlierRuns) continue;
    const bool still = std::any_of(now.containers.begin(), now.containers.end(),
                                   [&](const PodContainer& one) { return one.id == old.id; });
    if (still) continue;
    now.containers.push_back(old);
    ++kept;
  }
}

}  // namespace

PodTable::PodTable(PodTableOptions options, const Clock& clock, telemetry::Registry& registry)
    : WatchedSet({.max_records = options.max_pods, .grace = options.grace},
                 registry.gauge("wirespan_kube_pods",
                                "Pods of this node that are known, those deleted "
                                "a short while ago included"),
                 {}, clock, registry),
      options_(std::move(options)),
      foreign_(LeftOut(registry, {}, "other_node")) {}

std::optional<Pod> PodTable::Read(const Object& object) const {
  return PodOf(object, options_.pods);
}

bool PodTable::IsOurs(const Pod& pod) {
  if (pod.node == options_.node) return true;
  foreign_.Add();
  return false;
}

void PodTable::Inherit(const Pod& before, Pod& now) const { KeepEarlierRuns(before, now); }

PodPlace PodTable::Find(std::string_view uid, std::string_view container_id) const {
  const std::shared_lock lock(mutex_);
  PodPlace place;
  const auto container = containers_.find(container_id);
  if (const auto known = static_uids_.find(uid); known != static_uids_.end()) uid = known->second;
  if (uid.empty() && container != containers_.end()) uid = container->second.first;
  place.pod = Get(uid);
  if (place.pod == nullptr) return place;
  if (container != containers_.end() && container->second.first == uid) {
    place.container = container->second.second;
  } else if (!container_id.empty()) {
    place.container = place.pod->only_container;
  }
  return place;
}

void PodTable::Index(const RecordPtr& pod) {
  if (!pod->static_uid.empty()) static_uids_[pod->static_uid] = pod->uid;
  for (const PodContainer& container : pod->containers) {
    if (!container.id.empty()) containers_[container.id] = {pod->uid, container.name};
  }
}

void PodTable::Unindex(const Pod& pod) {
  if (const auto known = static_uids_.find(pod.static_uid);
      known != static_uids_.end() && known->second == pod.uid)
    static_uids_.erase(known);
  for (const PodContainer& container : pod.containers) {
    if (const auto known = containers_.find(container.id);
        known != containers_.end() && known->second.first == pod.uid)
      containers_.erase(known);
  }
}

}  // namespace wirespan::kube
