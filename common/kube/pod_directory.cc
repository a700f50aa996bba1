#include "common/kube/pod_directory.h"

#include <algorithm>
#include <utility>

namespace wirespan::kube {
namespace {

// An address that pods take in turns, one after the other within the grace.
constexpr std::size_t kMaxTenures = 16;
constexpr std::size_t kMaxLent = 32;  // addresses that one pod had in its life

}  // namespace

PodDirectory::PodDirectory(PodDirectoryOptions options, const Clock& clock,
                           telemetry::Registry& registry)
    : WatchedSet({.max_records = options.max_pods, .grace = options.grace},
                 registry.gauge("wirespan_kube_pods",
                                "Pods that are known, those deleted a short while ago included",
                                {{"resource", options.resource}}),
                 {{"resource", options.resource}}, clock, registry),
      options_(std::move(options)) {}

std::optional<Pod> PodDirectory::Read(const Object& object) const {
  return PodOf(object, options_.pods);
}

PodDirectory::PodPtr PodDirectory::FindByUid(std::string_view uid) const {
  const std::shared_lock lock(mutex_);
  return Get(uid);
}

PodDirectory::PodPtr PodDirectory::FindByContainer(std::string_view container_id) const {
  const std::shared_lock lock(mutex_);
  const auto found = containers_.find(container_id);
  return found == containers_.end() ? nullptr : Get(found->second);
}

PodDirectory::PodPtr PodDirectory::FindByName(std::string_view name,
                                              std::string_view name_space) const {
  const std::shared_lock lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return nullptr;
  const Entry* best = nullptr;
  bool several = false;
  for (const std::string& uid : found->second) {
    const auto entry = records_.find(uid);
    if (entry == records_.end()) continue;
    if (!name_space.empty() && entry->second.record->name_space != name_space) continue;
    if (best == nullptr || (best->gone_ns != 0 && entry->second.gone_ns == 0)) {
      best = &entry->second;
      several = false;
    } else if (entry->second.gone_ns == 0 || best->gone_ns != 0) {
      several = true;
    }
  }
  return best == nullptr || several ? nullptr : best->record;
}

PodDirectory::PodPtr PodDirectory::FindByAddress(std::string_view address,
                                                 std::uint64_t at_ns) const {
  const auto parsed = ParseAddress(address);
  if (!parsed) return nullptr;
  const std::shared_lock lock(mutex_);
  const auto found = addresses_.find(*parsed);
  if (found == addresses_.end()) return nullptr;
  const Tenure* best = nullptr;
  for (const Tenure& tenure : found->second) {
    const bool then = tenure.from_ns <= at_ns && (tenure.until_ns == 0 || at_ns <= tenure.until_ns);
    if (at_ns != 0 && !then) continue;
    // The end of one is told late: the one that began last is right.
    if (best == nullptr || tenure.from_ns >= best->from_ns) best = &tenure;
  }
  return best == nullptr ? nullptr : Get(best->uid);
}

template <class Change>
void PodDirectory::EachTenure(const Pod& pod, Change change) {
  const auto lent = lent_.find(pod.uid);
  if (lent == lent_.end()) return;
  for (const Address& address : lent->second) {
    const auto found = addresses_.find(address);
    if (found == addresses_.end()) continue;
    for (Tenure& tenure : found->second) {
      if (tenure.uid == pod.uid) change(address, tenure);
    }
  }
}

// Opens and closes tenures by how the pod is now.
void PodDirectory::Lend(const Pod& pod) {
  if (pod.host_network) return;
  const std::uint64_t now_ns = clock_.realtime_ns();
  std::vector<Address> has;  // none any more once it has ended
  for (const std::string& text : pod.addresses) {
    if (const auto address = ParseAddress(text); address && !pod.ended) has.push_back(*address);
  }
  EachTenure(pod, [&](const Address& address, Tenure& tenure) {
    const bool still = std::find(has.begin(), has.end(), address) != has.end();
    if (!still && tenure.until_ns == 0) tenure.until_ns = now_ns;
    if (still) tenure.until_ns = 0;  // told to be gone, and it was not
  });
  // Of one that had ended before it became known, nobody can tell until when it had its address.
  const auto started = ParseTime(pod.start_time);
  if (!started || *started < 0) return;
  if (has.empty()) return;
  auto& lent = lent_[pod.uid];
  // A pod whose sandbox is made anew gets another address in the middle of its life.
  const std::uint64_t from_ns =
      lent.empty() ? static_cast<std::uint64_t>(*started) * 1'000'000'000 : now_ns;
  for (const Address& address : has) {
    if (std::find(lent.begin(), lent.end(), address) != lent.end()) continue;
    if (lent.size() >= kMaxLent) return;
    auto& tenures = addresses_[address];
    if (tenures.size() >= kMaxTenures) tenures.erase(tenures.begin());
    tenures.push_back({pod.uid, from_ns});
    lent.push_back(address);
  }
}

void PodDirectory::Left(const Pod& pod) {
  const std::uint64_t now_ns = clock_.realtime_ns();
  EachTenure(pod, [&](const Address&, Tenure& tenure) {
    if (tenure.until_ns == 0) tenure.until_ns = now_ns;
  });
}

void PodDirectory::Forgotten(const Pod& pod) {
  const auto lent = lent_.find(pod.uid);
  if (lent == lent_.end()) return;
  for (const Address& address : lent->second) {
    const auto found = addresses_.find(address);
    if (found == addresses_.end()) continue;
    std::erase_if(found->second, [&](const Tenure& one) { return one.uid == pod.uid; });
    if (found->second.empty()) addresses_.erase(found);
  }
  lent_.erase(lent);
}

void PodDirectory::Index(const PodPtr& pod) {
  names_[pod->name].push_back(pod->uid);
  for (const PodContainer& container : pod->containers) {
    if (!container.id.empty()) containers_[container.id] = pod->uid;
  }
  Lend(*pod);
}

void PodDirectory::Unindex(const Pod& pod) {
  if (const auto found = names_.find(pod.name); found != names_.end()) {
    std::erase(found->second, pod.uid);
    if (found->second.empty()) names_.erase(found);
  }
  for (const PodContainer& container : pod.containers) {
    if (const auto found = containers_.find(container.id);
        found != containers_.end() && found->second == pod.uid)
      containers_.erase(found);
  }
}

}  // namespace wirespan::kube
