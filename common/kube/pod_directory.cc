#include "common/kube/pod_directory.h"

#include <algorithm>
#include <utility>

namespace wirespan::kube {
namespace {

// An address that pods take in turns, one after the other within the grace.
constexpr std::size_t kMaxTenures = 16;
constexpr std::size_t kMaxLent = 32;  // addresses that one pod had in its life

telemetry::Counter& LeftOut(telemetry::Registry& registry, const std::string& resource,
                            const char* reason) {
  return registry.counter("wirespan_kube_objects_left_out_total",
                          "Objects that the API server sent and that are not kept",
                          {{"resource", resource}, {"reason", reason}});
}

}  // namespace

PodDirectory::PodDirectory(PodDirectoryOptions options, const Clock& clock,
                           telemetry::Registry& registry)
    : options_(std::move(options)),
      clock_(clock),
      known_(registry.gauge("wirespan_kube_pods",
                            "Pods that are known, those deleted a short while ago included",
                            {{"resource", options_.resource}})),
      malformed_(LeftOut(registry, options_.resource, "malformed")),
      full_(LeftOut(registry, options_.resource, "full")) {}

PodDirectory::PodPtr PodDirectory::Get(std::string_view uid) const {
  const auto entry = pods_.find(uid);
  return entry == pods_.end() ? nullptr : entry->second.pod;
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
    const auto entry = pods_.find(uid);
    if (entry == pods_.end()) continue;
    if (!name_space.empty() && entry->second.pod->name_space != name_space) continue;
    if (best == nullptr || (best->gone_ns != 0 && entry->second.gone_ns == 0)) {
      best = &entry->second;
      several = false;
    } else if (entry->second.gone_ns == 0 || best->gone_ns != 0) {
      several = true;
    }
  }
  return best == nullptr || several ? nullptr : best->pod;
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

std::size_t PodDirectory::size() const {
  const std::shared_lock lock(mutex_);
  return pods_.size();
}

void PodDirectory::OnList() {
  const std::unique_lock lock(mutex_);
  ++list_;
}

void PodDirectory::OnObject(Object& object) {
  auto pod = PodOf(object, options_.pods);
  if (!pod) return malformed_.Add();
  const std::unique_lock lock(mutex_);
  ForgetOld();
  Put(std::move(*pod));
}

void PodDirectory::OnGone(Object& object) {
  const auto pod = PodOf(object, options_.pods);
  if (!pod) return malformed_.Add();
  const std::unique_lock lock(mutex_);
  ForgetOld();
  if (const auto entry = pods_.find(pod->uid); entry != pods_.end()) MarkGone(entry->second);
}

void PodDirectory::OnListed() {
  const std::unique_lock lock(mutex_);
  for (auto& [uid, entry] : pods_) {
    if (entry.list != list_) MarkGone(entry);
  }
  ForgetOld();
  known_.Set(static_cast<double>(pods_.size()));
  listed_.store(true, std::memory_order_release);
}

void PodDirectory::Put(Pod pod) {
  auto found = pods_.find(pod.uid);
  if (found == pods_.end()) {
    if (pods_.size() >= options_.max_pods) return full_.Add();
    found = pods_.try_emplace(pod.uid).first;
  }
  Entry& entry = found->second;
  entry.list = list_;
  const bool back = std::exchange(entry.gone_ns, 0) != 0;
  if (entry.pod != nullptr && *entry.pod == pod && !back) return;
  if (entry.pod != nullptr) Unindex(*entry.pod);
  entry.pod = std::make_shared<const Pod>(std::move(pod));
  Index(*entry.pod);
  Lend(entry);
  known_.Set(static_cast<double>(pods_.size()));
}

template <class Change>
void PodDirectory::EachTenure(const Entry& entry, Change change) {
  for (const Address& address : entry.lent) {
    const auto found = addresses_.find(address);
    if (found == addresses_.end()) continue;
    for (Tenure& tenure : found->second) {
      if (tenure.uid == entry.pod->uid) change(address, tenure);
    }
  }
}

// Opens and closes tenures by how the pod is now.
void PodDirectory::Lend(Entry& entry) {
  const Pod& pod = *entry.pod;
  if (pod.host_network) return;
  const std::uint64_t now_ns = clock_.realtime_ns();
  std::vector<Address> has;  // none any more once it has ended
  for (const std::string& text : pod.addresses) {
    if (const auto address = ParseAddress(text); address && !pod.ended) has.push_back(*address);
  }
  EachTenure(entry, [&](const Address& address, Tenure& tenure) {
    const bool still = std::find(has.begin(), has.end(), address) != has.end();
    if (!still && tenure.until_ns == 0) tenure.until_ns = now_ns;
    if (still) tenure.until_ns = 0;  // told to be gone, and it was not
  });
  // Of one that had ended before it became known, nobody can tell until when it had its address.
  const auto started = ParseTime(pod.start_time);
  if (!started || *started < 0) return;
  // A pod whose sandbox is made anew gets another address in the middle of its life.
  const std::uint64_t from_ns =
      entry.lent.empty() ? static_cast<std::uint64_t>(*started) * 1'000'000'000 : now_ns;
  for (const Address& address : has) {
    if (std::find(entry.lent.begin(), entry.lent.end(), address) != entry.lent.end()) continue;
    if (entry.lent.size() >= kMaxLent) return;
    auto& tenures = addresses_[address];
    if (tenures.size() >= kMaxTenures) tenures.erase(tenures.begin());
    tenures.push_back({pod.uid, from_ns});
    entry.lent.push_back(address);
  }
}

void PodDirectory::MarkGone(Entry& entry) {
  if (entry.gone_ns != 0) return;
  entry.gone_ns = std::max<std::uint64_t>(clock_.monotonic_ns(), 1);
  gone_.emplace_back(entry.pod->uid, entry.gone_ns);
  const std::uint64_t now_ns = clock_.realtime_ns();
  EachTenure(entry, [&](const Address&, Tenure& tenure) {
    if (tenure.until_ns == 0) tenure.until_ns = now_ns;
  });
}

void PodDirectory::ForgetOld() {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const auto grace_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(options_.grace).count());
  const std::size_t most = 4 * options_.max_pods;  // a pod may come and go many times
  while (!gone_.empty() && (gone_.front().second + grace_ns <= now_ns || gone_.size() > most)) {
    const auto entry = pods_.find(gone_.front().first);
    // It may have come back in a later list, or gone twice.
    if (entry != pods_.end() && entry->second.gone_ns == gone_.front().second) {
      Unindex(*entry->second.pod);
      for (const Address& address : entry->second.lent) {
        const auto found = addresses_.find(address);
        if (found == addresses_.end()) continue;
        std::erase_if(found->second, [&](const Tenure& one) { return one.uid == entry->first; });
        if (found->second.empty()) addresses_.erase(found);
      }
      pods_.erase(entry);
      known_.Set(static_cast<double>(pods_.size()));
    }
    gone_.pop_front();
  }
}

void PodDirectory::Index(const Pod& pod) {
  names_[pod.name].push_back(pod.uid);
  for (const PodContainer& container : pod.containers) {
    if (!container.id.empty()) containers_[container.id] = pod.uid;
  }
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
