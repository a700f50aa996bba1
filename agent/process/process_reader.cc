#include "agent/process/process_reader.h"

#include "agent/process/container_name.h"

namespace wirespan::process {
namespace {

telemetry::Counter& FailureCounter(telemetry::Registry& registry, const char* reason) {
  return registry.counter("wirespan_process_read_failures_total",
                          "Reads of a process's files under /proc that failed",
                          {{"reason", reason}});
}

}  // namespace

ProcessReader::ProcessReader(std::string root, telemetry::Registry& registry)
    : root_(std::move(root)),
      users_(UserNames::Read(root_)),
      gone_(FailureCounter(registry, "gone")),
      denied_(FailureCounter(registry, "denied")),
      malformed_(FailureCounter(registry, "malformed")),
      other_(FailureCounter(registry, "other")) {}

void ProcessReader::Count(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      gone_.Add();
      break;
    case ErrorCode::kPermissionDenied:
      denied_.Add();
      break;
    case ErrorCode::kInvalidArgument:
      malformed_.Add();
      break;
    default:
      other_.Add();
  }
}

Result<ReadProcessResult> ProcessReader::Read(std::uint32_t pid, const TraceConfig& config) {
  auto folder = ProcessFolder::Open(root_, pid);
  if (!folder) {
    Count(folder.error());
    return tl::unexpected(std::move(folder.error()));
  }
  auto stat = folder->Stat();
  if (!stat) {
    Count(stat.error());
    return tl::unexpected(std::move(stat.error()));
  }
  ReadProcessResult out;
  ProcessInfo& info = out.info;
  info.pid = pid;
  info.parent_pid = stat->parent_pid;
  info.start_ticks = stat->start_ticks;
  info.comm = std::move(stat->comm);
  info.complete = true;
  info.exiting = stat->exiting;

  const auto keep = [&](auto&& result, auto&& field) {
    if (result) {
      field = std::move(*result);
    } else {
      Count(result.error());
    }
  };
  keep(folder->Executable(), info.executable);
  keep(folder->Arguments(), info.arguments);
  keep(folder->OtelEnvironment(), info.otel);
  std::string cgroup;
  keep(folder->Cgroup(), cgroup);
  Place(*folder, cgroup, info);
  if (auto status = folder->ReadStatus()) {
    info.owner_known = true;
    info.owner_uid = status->uid;
    info.inner_pid = status->inner_pid;
    // A container has users of its own: their numbers are not the host's names.
    if (info.placement.container_id.empty()) info.owner = users_.Find(status->uid);
    if (info.owner.empty()) info.owner = std::to_string(status->uid);
  } else {
    Count(status.error());
  }
  info.program = DescribeProgram(info.executable, info.arguments);
  info.container_name = FindContainerName(root_, info);
  out.traces = DecideTraces(config, info, *folder);
  return out;
}

// Hierarchies of version 1 show a process that ends at their root, wherever it was: then nothing is
// known. Their lines come before that of version 2.
void ProcessReader::Place(const ProcessFolder& folder, const std::string& cgroup,
                          ProcessInfo& info) const {
  info.placement = ParseCgroup(cgroup);
  const bool may_lie = info.placement.container_id.empty() && !cgroup.starts_with("0::");
  const bool tells_nothing = info.executable.empty() && info.arguments.empty();
  if (!info.exiting && (may_lie || tells_nothing)) {
    const auto now = folder.Stat();
    info.exiting = !now || now->exiting;
  }
  if (info.exiting && may_lie) info.placement = {};
}

Result<std::uint64_t> ProcessReader::StartTicks(std::uint32_t pid) {
  auto folder = ProcessFolder::Open(root_, pid);
  if (!folder) return tl::unexpected(std::move(folder.error()));
  auto stat = folder->Stat();
  if (!stat) return tl::unexpected(std::move(stat.error()));
  return stat->start_ticks;
}

Result<TraceDecision> ProcessReader::ReadTraces(const ProcessInfo& info,
                                                const TraceConfig& config) {
  auto folder = ProcessFolder::Open(root_, info.pid);
  if (!folder) return tl::unexpected(std::move(folder.error()));
  return DecideTraces(config, info, *folder);
}

Placement ProcessReader::ReadPlacement(std::uint32_t pid) {
  const auto folder = ProcessFolder::Open(root_, pid);
  if (!folder) return {};
  const auto text = folder->Cgroup();
  if (!text) return {};
  ProcessInfo info;
  Place(*folder, *text, info);
  return std::move(info.placement);
}

std::string ProcessReader::ReadContainerName(const ProcessInfo& info) const {
  return FindContainerName(root_, info);
}

}  // namespace wirespan::process
