// The table's processes that ended before they were read, or while they were.
#include "agent/process/process_table.h"

namespace wirespan::process {

// `last`: what /proc still told of a process that is ending; null: it is gone.
void ProcessTable::LoadGone(std::uint32_t pid, Entry& entry, ReadProcessResult* last) {
  const auto seed = seeds_.find(pid);
  const bool was_complete =
      entry.process && entry.process->info.complete &&
      (last == nullptr || last->info.start_ticks == entry.process->info.start_ticks);
  entry.next_look_ns = now_ns_ + limits_.retry_ns;
  if (was_complete && (seed == seeds_.end() || !seed->second.is_exec)) {
    // New rules: by what was kept of it.
    Publish(pid, entry, entry.process->info, entry.process->traces);
    return;
  }
  if (seed == seeds_.end()) {
    if (last == nullptr) {
      unknown_.Add();
      Publish(pid, entry, ProcessInfo{.pid = pid}, {});
      return;
    }
    entry.known = true;
    if (last->info.placement.path.empty()) placeless_.Add();
    Publish(pid, entry, std::move(last->info), std::move(last->traces));
    return;
  }
  reconstructed_.Add();
  entry.known = true;
  ProcessInfo info = Reconstruct(pid, was_complete ? &entry.process->info : nullptr);
  if (last != nullptr) {
    const ProcessInfo& told = last->info;
    info.start_ticks = told.start_ticks;
    info.comm = told.comm;
    info.complete = info.exiting = true;
    info.owner_known = told.owner_known;
    info.owner_uid = told.owner_uid;
    info.owner = told.owner;
    if (info.placement.path.empty()) info.placement = told.placement;
  }
  if (info.placement.path.empty()) placeless_.Add();
  if (info.container_name.empty()) info.container_name = reader_.ReadContainerName(info);
  TraceDecision traces = DecideByCommandLine(info.arguments);
  switch (ModeFor(config_.traces, info)) {
    case TraceMode::kAlways:
      traces = {true, TraceReason::kConfigAlways, {}};
      break;
    case TraceMode::kNever:
      traces = {false, TraceReason::kConfigNever, {}};
      break;
    case TraceMode::kAuto:
      break;
  }
  Publish(pid, entry, std::move(info), std::move(traces));
}

// From the start that the kernel told. What it does not tell is the parent's: a child is born in
// its parent's group, with its parent's program and owner. A program that was executed has the
// group that it was told with and no other: a runtime that starts a container is elsewhere.
// `before`: what was read of the same process earlier.
ProcessInfo ProcessTable::Reconstruct(std::uint32_t pid, const ProcessInfo* before) {
  ProcessInfo info;
  info.pid = pid;
  Seed seed = seeds_.find(pid)->second;
  info.parent_pid = seed.parent_pid;
  bool program_known = false, place_known = false;
  const auto take_owner = [&](const ProcessInfo& from) {
    // Nor is the owner of a runtime that of what it starts.
    const bool same_place = !program_known || !info.placement.path.empty();
    if (info.owner_known || !same_place || from.placement.path != info.placement.path) return;
    info.owner_known = from.owner_known;
    info.owner_uid = from.owner_uid;
    info.owner = from.owner;
    info.container_name = from.container_name;
  };
  // A chain of forks ends at the first exec, or at a process that is known. Bounded: parents may
  // form a ring when pids are used again.
  for (int step = 0; step < 8; ++step) {
    if (seed.is_exec && !program_known) {
      program_known = place_known = true;
      info.executable = seed.filename;
      info.arguments = SplitArguments(seed.arguments);
      info.placement = groups_.Place(seed.groups);
      if (before != nullptr) take_owner(*before);
    }
    if (const auto parent = entries_.find(seed.parent_pid);
        parent != entries_.end() && parent->second.process && parent->second.known) {
      const ProcessInfo& from = parent->second.process->info;
      if (!place_known) info.placement = from.placement;
      if (!program_known) {
        info.executable = from.executable;
        info.arguments = from.arguments;
      }
      take_owner(from);
      break;
    }
    if (place_known && program_known) break;
    if (const auto parent = seeds_.find(seed.parent_pid); parent != seeds_.end()) {
      seed = parent->second;
      continue;
    }
    info.placement = reader_.ReadPlacement(seed.parent_pid);
    break;
  }
  info.program = DescribeProgram(info.executable, info.arguments);
  return info;
}

}  // namespace wirespan::process
