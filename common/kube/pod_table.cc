#include "common/kube/pod_table.h"

#include <algorithm>

namespace wirespan::kube {
namespace {

constexpr std::size_t kMaxEarlierRuns = 32;

telemetry::Counter& LeftOut(telemetry::Registry& registry, const char* reason) {
  return registry.counter("wirespan_kube_objects_left_out_total",
                          "Objects that the API server sent and that are not kept",
                          {{"reason", reason}});
}

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
    : options_(std::move(options)),
      clock_(clock),
      known_(registry.gauge("wirespan_kube_pods",
                            "Pods of this node that are known, those deleted "
                            "a short while ago included")),
      foreign_(LeftOut(registry, "other_node")),
      malformed_(LeftOut(registry, "malformed")),
      full_(LeftOut(registry, "full")) {}

PodPlace PodTable::Find(std::string_view uid, std::string_view container_id) const {
  const std::lock_guard lock(mutex_);
  PodPlace place;
  const auto container = containers_.find(container_id);
  if (const auto known = static_uids_.find(uid); known != static_uids_.end()) uid = known->second;
  if (uid.empty() && container != containers_.end()) uid = container->second.first;
  const auto entry = pods_.find(uid);
  if (entry == pods_.end()) return place;
  place.pod = entry->second.pod;
  if (container != containers_.end() && container->second.first == uid) {
    place.container = container->second.second;
  } else if (!container_id.empty()) {
    place.container = place.pod->only_container;
  }
  return place;
}

std::size_t PodTable::size() const {
  const std::lock_guard lock(mutex_);
  return pods_.size();
}

void PodTable::OnList() {
  const std::lock_guard lock(mutex_);
  ++list_;
}

void PodTable::OnObject(Object& object) {
  auto pod = PodOf(object, options_.pods);
  if (!pod) return malformed_.Add();
  if (pod->node != options_.node) return foreign_.Add();
  const std::lock_guard lock(mutex_);
  ForgetOld();
  Put(std::move(*pod));
}

void PodTable::OnGone(Object& object) {
  const auto pod = PodOf(object, options_.pods);
  if (!pod) return malformed_.Add();
  const std::lock_guard lock(mutex_);
  ForgetOld();
  if (const auto entry = pods_.find(pod->uid); entry != pods_.end()) MarkGone(entry->second);
}

void PodTable::OnListed() {
  const std::lock_guard lock(mutex_);
  for (auto& [uid, entry] : pods_) {
    if (entry.list != list_) MarkGone(entry);
  }
  ForgetOld();
  known_.Set(static_cast<double>(pods_.size()));
  listed_.store(true, std::memory_order_release);
  Changed();
}

void PodTable::Put(Pod pod) {
  auto found = pods_.find(pod.uid);
  if (found == pods_.end()) {
    if (pods_.size() >= options_.max_pods) return full_.Add();
    found = pods_.try_emplace(pod.uid).first;
  }
  Entry& entry = found->second;
  entry.list = list_;
  entry.gone_ns = 0;
  if (entry.pod != nullptr) KeepEarlierRuns(*entry.pod, pod);
  // Most events tell of conditions and times that nobody here asks for.
  if (entry.pod != nullptr && *entry.pod == pod) return;
  if (entry.pod != nullptr) Unindex(*entry.pod);
  entry.pod = std::make_shared<const Pod>(std::move(pod));
  Index(entry.pod);
  known_.Set(static_cast<double>(pods_.size()));
  Changed();
}

void PodTable::MarkGone(Entry& entry) {
  if (entry.gone_ns != 0) return;
  entry.gone_ns = std::max<std::uint64_t>(clock_.monotonic_ns(), 1);
  gone_.emplace_back(entry.pod->uid, entry.gone_ns);
}

void PodTable::ForgetOld() {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const auto grace_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(options_.grace).count());
  // A pod that comes and goes and comes leaves an entry here each time.
  const std::size_t most = 4 * options_.max_pods;
  while (!gone_.empty() && (gone_.front().second + grace_ns <= now_ns || gone_.size() > most)) {
    const auto entry = pods_.find(gone_.front().first);
    // It may have come back in a later list, or gone twice.
    if (entry != pods_.end() && entry->second.gone_ns == gone_.front().second) {
      Unindex(*entry->second.pod);
      pods_.erase(entry);
      known_.Set(static_cast<double>(pods_.size()));
    }
    gone_.pop_front();
  }
}

void PodTable::Index(const std::shared_ptr<const Pod>& pod) {
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

void PodTable::Changed() { version_.fetch_add(1, std::memory_order_acq_rel); }

}  // namespace wirespan::kube
