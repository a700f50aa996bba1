#include "agent/app/process_bridge.h"

#include <vector>

#include "common/telemetry/log.h"

namespace wirespan::app {

span::ProcessView ProcessBridge::Find(std::uint32_t pid) {
  const process::Process& process = table_.Find(pid);
  Tell(pid, process.filter.observed);
  return {.resource = std::static_pointer_cast<const span::Resource>(process.attachment),
          .reported = process.filter.observed,
          .instrumented = !process.traces.spans};
}

void ProcessBridge::NoteInstrumented(std::uint32_t pid, bool exported) {
  if (!table_.NoteInstrumented(pid, exported)) return;
  const process::Process& process = table_.Find(pid);
  log::Info("process {} ({}): {}, metrics only from now on", pid, process.service.name,
            process::DescribeTraceDecision(process.traces));
}

void ProcessBridge::Forget(std::uint32_t pid) {
  told_.erase(pid);
  if (source_ != nullptr) source_->ForgetProcess(pid);
}

void ProcessBridge::JudgeAgain() {
  std::vector<std::uint32_t> pids;
  pids.reserve(told_.size());
  for (const auto& [pid, observed] : told_) pids.push_back(pid);
  for (const auto pid : pids) Find(pid);
}

void ProcessBridge::Tell(std::uint32_t pid, bool observed) {
  if (source_ == nullptr) return;
  const auto [known, added] = told_.try_emplace(pid, observed);
  if (!added && known->second == observed) return;
  known->second = observed;
  const auto verdict = observed ? kernel::Verdict::kInclude : kernel::Verdict::kExclude;
  if (auto set = source_->SetVerdict(pid, verdict); !set) {
    // The kernel goes on capturing it; what is excluded is dropped after the pairing instead.
    told_.erase(known);
    log::WriteLimited(log::Level::kWarn, "verdict", "process filter: " + set.error().message);
  }
}

std::shared_ptr<const void> ProcessBridge::ToResource(const process::Process& process) {
  auto resource = std::make_shared<span::Resource>();
  resource->service_name = process.service.name;
  resource->pid = process.info.pid;
  resource->attributes.reserve(process.resource.attributes.size());
  for (const auto& [key, value] : process.resource.attributes) {
    resource->attributes.emplace_back(key, value);
  }
  return resource;
}

}  // namespace wirespan::app
