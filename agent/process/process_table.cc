#include "agent/process/process_table.h"

#include <algorithm>
#include <array>

namespace wirespan::process {
namespace {

constexpr std::array<std::uint64_t, 3> kLooks = {1, 10, 60};  // times second_look_ns
constexpr std::size_t kKeptArgumentBytes = 1024;
constexpr std::size_t kMaxSeedBytes = 1024;

// Long command lines were matched and named by now; a table of thousands need not hold them. What
// names a service stays, for new rules after the process is gone.
void Shrink(ProcessInfo& info) {
  std::erase_if(info.otel, [](const auto& variable) {
    return variable.first != "OTEL_SERVICE_NAME" && variable.first != "OTEL_RESOURCE_ATTRIBUTES";
  });
  info.otel.shrink_to_fit();
  std::size_t total = 0;
  for (std::size_t i = 0; i < info.arguments.size(); ++i) {
    std::string& argument = info.arguments[i];
    if (total + argument.size() > kKeptArgumentBytes) {
      argument.resize(kKeptArgumentBytes - total);
      argument.shrink_to_fit();
      info.arguments.resize(i + 1);
      break;
    }
    total += argument.size();
  }
  info.arguments.shrink_to_fit();
}

telemetry::Counter& PodCounter(telemetry::Registry& registry, const char* result) {
  return registry.counter("wirespan_kube_processes_total",
                          "Processes in pods: known at first sight, unknown then, and revised when "
                          "more was told",
                          {{"result", result}});
}

bool SamePlace(const kube::PodPlace& a, const kube::PodPlace& b) {
  return a.pod == b.pod && a.container == b.container;
}

// About what a process takes in memory: its texts, and the table's own part.
std::size_t BytesOf(const Process& process) {
  std::size_t bytes = 1024;
  for (const std::string& argument : process.info.arguments)
    bytes += sizeof argument + argument.size();
  for (const auto& [name, value] : process.info.otel)
    bytes += 2 * sizeof name + name.size() + value.size();
  for (const auto& [key, value] : process.resource.attributes) {
    bytes += sizeof key + sizeof value + key.size();
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& text : *texts) bytes += sizeof text + text.size();
    }
  }
  // The owner's attachment is a copy of the resource mostly.
  return 2 * bytes + process.info.executable.size() + process.info.placement.path.size();
}

}  // namespace

ProcessTable::ProcessTable(std::string root, HostInfo host, TableConfig config, TableLimits limits,
                           telemetry::Registry& registry)
    : host_(std::move(host)),
      config_(std::move(config)),
      limits_(limits),
      reader_(std::move(root), registry),
      loads_(registry.counter("wirespan_process_loads_total", "Processes read from /proc")),
      evicted_(registry.counter("wirespan_process_evictions_total",
                                "Processes forgotten because the table was full")),
      seeds_dropped_(registry.counter(
          "wirespan_process_seeds_dropped_total",
          "Starts of processes forgotten before they were needed, because too many came")),
      reconstructed_(registry.counter(
          "wirespan_process_reconstructed_total",
          "Processes that ended before /proc could be read, known by their exec or fork")),
      unknown_(registry.counter("wirespan_process_unknown_total",
                                "Processes that were gone before anything was known of them")),
      placeless_(registry.counter(
          "wirespan_process_group_unknown_total",
          "Processes that ended before /proc could be read and whose control group nothing told")),
      pod_known_(PodCounter(registry, "known")),
      pod_unknown_(PodCounter(registry, "unknown")),
      pod_revised_(PodCounter(registry, "revised")),
      known_processes_(registry.gauge("wirespan_process_table_entries", "Processes in the table")) {
}

void ProcessTable::Advance(std::uint64_t now_ns) {
  now_ns_ = std::max<std::uint64_t>(now_ns, 1);
  while (!exits_.empty() && exits_.front().second <= now_ns_) {
    const auto [pid, due] = exits_.front();
    exits_.pop_front();
    if (const auto found = entries_.find(pid);
        found != entries_.end() && found->second.exited_ns != 0 &&
        found->second.exited_ns + limits_.exit_grace_ns <= now_ns_) {
      Forget(found);
    }
    if (const auto seed = seeds_.find(pid);
        seed != seeds_.end() && seed->second.ts_ns + limits_.exit_grace_ns <= due) {
      seeds_.erase(seed);
    }
  }
  known_processes_.Set(static_cast<double>(entries_.size()));
  LookForPods();
}

void ProcessTable::LookForPods() {
  if (config_.pods == nullptr || now_ns_ < pods_next_ns_) return;
  const std::uint64_t version = config_.pods->version();
  if (version == pods_version_) return;
  pods_version_ = version;
  pods_next_ns_ = now_ns_ + limits_.pods_ns;
  for (auto& [pid, entry] : entries_) {
    if (!entry.process || entry.next_look_ns == 0) continue;
    const ProcessInfo& info = entry.process->info;
    if (SamePlace(PlaceOf(info, entry), info.kubernetes)) continue;
    entry.next_look_ns = 0;
    if (revised_.size() < entries_.size()) revised_.push_back(pid);
  }
}

// The process's place as it is told now; what was told before stays when it is told no more, since
// a process never leaves its pod.
kube::PodPlace ProcessTable::PlaceOf(const ProcessInfo& info, const Entry& entry) {
  const Placement& group = info.placement;
  if (config_.pods == nullptr || (group.pod_uid.empty() && group.pod_container_id.empty()))
    return {};
  kube::PodPlace place = config_.pods->Find(group.pod_uid, group.pod_container_id);
  if (!entry.process) return place;
  const ProcessInfo& before = entry.process->info;
  const bool same = before.start_ticks == info.start_ticks &&
                    before.placement.pod_uid == group.pod_uid &&
                    before.placement.pod_container_id == group.pod_container_id;
  if (!same) return place;
  if (place.pod == nullptr) return before.kubernetes;
  if (place.container.empty()) place.container = before.kubernetes.container;
  return place;
}

const Process& ProcessTable::Find(std::uint32_t pid, std::uint64_t event_ns) {
  auto found = entries_.find(pid);
  if (found == entries_.end()) {
    if (entries_.size() >= std::max<std::size_t>(limits_.max_processes, 1)) ForgetOldest(pid);
    found = entries_.try_emplace(pid).first;
  }
  Entry& entry = found->second;
  entry.used_ns = now_ns_;
  if (entry.next_look_ns > now_ns_ && entry.exited_ns == 0) return *entry.process;
  return Look(pid, entry, event_ns);
}

const Process& ProcessTable::Look(std::uint32_t pid, Entry& entry, std::uint64_t event_ns) {
  if (!entry.process || entry.next_look_ns == 0) {
    Load(pid, entry);
    return *entry.process;
  }
  const bool after_exit = event_ns != 0 && event_ns > entry.exited_ns;
  if (entry.exited_ns != 0 && event_ns != 0 && !after_exit) return *entry.process;
  if (entry.exited_ns != 0 && !after_exit && entry.next_look_ns > now_ns_) return *entry.process;

  // Dead, or not looked at for long: whose pid is it now?
  const auto start = reader_.StartTicks(pid);
  entry.next_look_ns = now_ns_ + (entry.exited_ns != 0 ? limits_.retry_ns : limits_.revisit_ns);
  const std::uint64_t known_start = entry.process->info.start_ticks;
  if (!start) {
    if (!entry.known) entry.next_look_ns = now_ns_ + limits_.retry_ns;
    if (entry.known && entry.exited_ns == 0) OnExit(pid, now_ns_);  // its exit event was lost
    return *entry.process;
  }
  if (known_start == 0 || *start != known_start) {
    bytes_ -= entry.bytes;
    entry = Entry{.used_ns = now_ns_};
    Load(pid, entry);
    return *entry.process;
  }
  // A process that is its last thread's zombie, or whose exit event was another's.
  if (entry.exited_ns != 0) return *entry.process;
  if (entry.looks < kLooks.size()) {
    ++entry.looks;
    entry.next_look_ns = NextLook(entry);
    if (entry.process->traces.reason == TraceReason::kNotInstrumented) {
      auto traces = reader_.ReadTraces(entry.process->info, config_.traces);
      if (traces && traces->reason != TraceReason::kNotInstrumented)
        PublishTraces(pid, entry, std::move(*traces));
    }
  }
  return *entry.process;
}

std::uint64_t ProcessTable::NextLook(const Entry& entry) const {
  return now_ns_ + (entry.looks < kLooks.size() ? limits_.second_look_ns * kLooks[entry.looks]
                                                : limits_.revisit_ns);
}

void ProcessTable::Load(std::uint32_t pid, Entry& entry) {
  loads_.Add();
  auto read = reader_.Read(pid, config_.traces);
  if (read && entry.process && entry.process->info.start_ticks != read->info.start_ticks)
    entry.exited_ns = 0;  // the pid's next owner
  if (!read || read->info.exiting) {
    LoadGone(pid, entry, read ? &*read : nullptr);
    return;
  }
  entry.known = true;
  entry.next_look_ns = NextLook(entry);
  Publish(pid, entry, std::move(read->info), std::move(read->traces));
  seeds_.erase(pid);
}

void ProcessTable::Publish(std::uint32_t pid, Entry& entry, ProcessInfo info,
                           TraceDecision traces) {
  auto process = std::make_shared<Process>();
  const bool first = !entry.process || entry.process->info.start_ticks != info.start_ticks ||
                     entry.process->info.placement.pod_uid != info.placement.pod_uid;
  info.kubernetes = PlaceOf(info, entry);
  if (config_.pods != nullptr && !info.placement.pod_uid.empty()) {
    if (first) {
      (info.kubernetes.pod != nullptr ? pod_known_ : pod_unknown_).Add();
    } else if (!SamePlace(info.kubernetes, entry.process->info.kubernetes)) {
      pod_revised_.Add();
    }
  }
  process->service = NameService(config_.services, info);
  process->filter = Decide(config_.filter, info);
  process->resource = BuildResource(info, process->service, host_, config_.resource);
  process->traces = std::move(traces);
  Shrink(info);
  process->info = std::move(info);
  Store(pid, entry, std::move(process));
}

void ProcessTable::PublishTraces(std::uint32_t pid, Entry& entry, TraceDecision traces) {
  auto process = std::make_shared<Process>(*entry.process);
  process->traces = std::move(traces);
  Store(pid, entry, std::move(process));
}

void ProcessTable::Store(std::uint32_t pid, Entry& entry, std::shared_ptr<Process> process) {
  if (process->traces.reason == TraceReason::kNotInstrumented &&
      (entry.exports || entry.sends_own_ids)) {
    process->traces = {
        false, entry.exports ? TraceReason::kExported : TraceReason::kOutboundContext, {}};
  }
  if (config_.attach) process->attachment = config_.attach(*process);
  bytes_ -= entry.bytes;
  entry.bytes = BytesOf(*process);
  bytes_ += entry.bytes;
  entry.process = std::move(process);
  if (bytes_ > limits_.max_bytes) ForgetOldest(pid);
}

void ProcessTable::AddSeed(std::uint32_t pid, Seed seed) {
  while (seed_order_.size() >= limits_.max_seeds) {
    const auto [oldest, ts_ns] = seed_order_.front();
    seed_order_.pop_front();
    if (const auto found = seeds_.find(oldest);
        found != seeds_.end() && found->second.ts_ns == ts_ns) {
      seeds_.erase(found);
      seeds_dropped_.Add();
    }
  }
  seed_order_.emplace_back(pid, seed.ts_ns);
  seeds_[pid] = std::move(seed);
}

void ProcessTable::OnExec(std::uint32_t pid, std::uint32_t parent_pid, std::uint64_t ts_ns,
                          std::string_view filename, std::string_view arguments,
                          std::string_view groups) {
  AddSeed(pid, {.ts_ns = ts_ns,
                .parent_pid = parent_pid,
                .is_exec = true,
                .filename = std::string(filename.substr(0, kMaxSeedBytes)),
                .arguments = std::string(arguments.substr(0, kMaxSeedBytes)),
                .groups = std::string(groups.substr(0, kMaxSeedBytes))});
  const auto found = entries_.find(pid);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.exited_ns != 0 && ts_ns > entry.exited_ns) {
    Forget(found);  // the pid's next owner
    return;
  }
  entry.next_look_ns = 0;
  entry.looks = 0;
  entry.exports = entry.sends_own_ids = false;
}

void ProcessTable::OnFork(std::uint32_t pid, std::uint32_t parent_pid, std::uint64_t ts_ns) {
  AddSeed(pid, {.ts_ns = ts_ns, .parent_pid = parent_pid});
  if (const auto found = entries_.find(pid);
      found != entries_.end() && found->second.exited_ns != 0)
    Forget(found);
}

void ProcessTable::OnExit(std::uint32_t pid, std::uint64_t ts_ns) {
  const auto found = entries_.find(pid);
  const bool in_table = found != entries_.end();
  if (!in_table && seeds_.find(pid) == seeds_.end()) return;
  if (in_table) {
    found->second.exited_ns = std::max<std::uint64_t>(ts_ns, 1);
    found->second.next_look_ns = std::max(found->second.next_look_ns, now_ns_ + limits_.retry_ns);
    if (!found->second.process) found->second.next_look_ns = 0;
  }
  // Twice the table's size and the oldest go early: their entries stay until the table is full.
  if (exits_.size() >= 2 * (limits_.max_processes + limits_.max_seeds)) exits_.pop_front();
  exits_.emplace_back(pid, std::max(ts_ns, now_ns_) + limits_.exit_grace_ns);
}

bool ProcessTable::NoteInstrumented(std::uint32_t pid, bool exported) {
  Find(pid);
  Entry& entry = entries_.find(pid)->second;
  (exported ? entry.exports : entry.sends_own_ids) = true;
  if (entry.process->traces.reason != TraceReason::kNotInstrumented) return false;
  PublishTraces(pid, entry, entry.process->traces);
  return true;
}

void ProcessTable::Reconfigure(TableConfig config) {
  config_ = std::move(config);
  for (auto& [pid, entry] : entries_) entry.next_look_ns = 0;
}

void ProcessTable::Forget(Entries::iterator entry) {
  bytes_ -= entry->second.bytes;
  entries_.erase(entry);
}

void ProcessTable::ForgetOldest(std::uint32_t except_pid) {
  std::vector<std::uint64_t> ages;
  ages.reserve(entries_.size());
  for (const auto& [pid, entry] : entries_) ages.push_back(entry.used_ns);
  std::size_t left = entries_.size() / 8 + 1;
  const auto nth = ages.begin() + static_cast<std::ptrdiff_t>(left - 1);
  std::nth_element(ages.begin(), nth, ages.end());
  for (auto at = entries_.begin(); at != entries_.end() && left > 0;) {
    const auto here = at++;
    if (here->second.used_ns > *nth || here->first == except_pid) continue;
    Forget(here);
    evicted_.Add();
    --left;
  }
}

void ProcessTable::ForEach(const std::function<void(const Process&)>& visit) const {
  for (const auto& [pid, entry] : entries_) {
    if (entry.process) visit(*entry.process);
  }
}

}  // namespace wirespan::process
