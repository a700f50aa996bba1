#include "agent/app/recording.h"

#include <utility>
#include <variant>

#include "agent/app/pipeline.h"
#include "agent/process/host.h"

namespace wirespan::app {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

kernel::RecordedProcess ToRecord(std::uint32_t pid, const span::ProcessView& view) {
  kernel::RecordedProcess record;
  record.pid = pid;
  record.instrumented = view.instrumented;
  if (view.resource) {
    record.service_name = view.resource->service_name;
    record.attributes = view.resource->attributes;
  }
  return record;
}

}  // namespace

RecordingHandler::RecordingHandler(const Config& config, kernel::LiveSource& source,
                                   kernel::Recorder& recorder, telemetry::Registry& registry)
    : processes_("", process::ReadHost(), Pipeline::TableConfigOf(config),
                 Pipeline::ProcessLimitsOf(config), registry),
      bridge_(processes_, &source),
      recorder_(recorder),
      max_told_(config.max_processes) {
  processes_.SeeGroups(process::CgroupView(source.own_groups()));
}

void RecordingHandler::OnEvent(const connection::Event& event) {
  const bool recorded =
      std::visit(Overloaded{
                     [&](const connection::ExecEvent& exec) {
                       processes_.OnExec(exec.pid, exec.parent_pid, exec.ts_ns, exec.filename,
                                         exec.arguments, exec.groups);
                       bridge_.Forget(exec.pid);
                       return Tell(exec.pid);
                     },
                     [&](const connection::ExitEvent& exit) {
                       processes_.OnExit(exit.pid, exit.ts_ns);
                       bridge_.Forget(exit.pid);
                       return true;
                     },
                     [&](const connection::CloseEvent&) { return true; },
                     [&](const auto& other) { return Tell(other.pid); },
                 },
                 event);
  if (recorded) recorder_.OnEvent(event);
}

bool RecordingHandler::Tell(std::uint32_t pid) {
  auto view = bridge_.Find(pid);
  if (!view.reported) return false;
  if (told_.size() >= max_told_) told_.clear();
  Told& told = told_[pid];
  if (told.resource != view.resource || told.instrumented != view.instrumented) {
    recorder_.OnProcess(ToRecord(pid, view));
    told = {std::move(view.resource), view.instrumented};
  }
  return true;
}

void RecordedProcesses::Add(kernel::RecordedProcess process) {
  if (views_.size() >= max_processes_ && !views_.contains(process.pid)) return;
  auto resource = std::make_shared<span::Resource>();
  resource->pid = process.pid;
  resource->service_name = std::move(process.service_name);
  resource->attributes = std::move(process.attributes);
  views_[process.pid] = {.resource = std::move(resource),
                         .reported = true,
                         .instrumented = mode_ == process::TraceMode::kAuto
                                             ? process.instrumented
                                             : mode_ == process::TraceMode::kNever};
}

span::ProcessView RecordedProcesses::Find(std::uint32_t pid) {
  if (const auto known = views_.find(pid); known != views_.end()) return known->second;
  auto resource = std::make_shared<span::Resource>();
  resource->pid = pid;
  resource->service_name = "unknown_service";
  return {.resource = std::move(resource),
          .reported = true,
          .instrumented = mode_ == process::TraceMode::kNever};
}

void RecordedProcesses::NoteInstrumented(std::uint32_t pid, bool) {
  if (mode_ != process::TraceMode::kAuto) return;
  if (const auto known = views_.find(pid); known != views_.end()) known->second.instrumented = true;
}

}  // namespace wirespan::app
