#pragma once

#include <cstdint>
#include <memory>

#include "agent/app/config.h"
#include "agent/app/process_bridge.h"
#include "agent/connection/event.h"
#include "agent/kernel/live_source.h"
#include "agent/kernel/recorder.h"
#include "agent/process/process_table.h"
#include "agent/span/process_view.h"
#include "common/base/flat_map.h"

// Processes on their way into a recording and out of it again: a replay has no /proc to ask, and
// the one it would find is another machine's.
namespace wirespan::app {

// Between source and recorder: applies the process filter (what is excluded is not recorded) and
// writes who each process is before its first event. One thread.
class RecordingHandler final : public connection::EventHandler {
 public:
  // `source` is told verdicts. All outlive the handler.
  RecordingHandler(const Config& config, kernel::LiveSource& source, kernel::Recorder& recorder,
                   telemetry::Registry& registry);

  void OnEvent(const connection::Event& event) override;
  void Tick(std::uint64_t now_ns) { processes_.Advance(now_ns); }

 private:
  // False: the filter excludes it.
  bool Tell(std::uint32_t pid);

  process::ProcessTable processes_;
  ProcessBridge bridge_;
  kernel::Recorder& recorder_;
  struct Told {
    std::shared_ptr<const span::Resource> resource{};
    bool instrumented = false;
  };
  FlatMap<std::uint32_t, Told> told_;  // bounded as the process table is: cleared when it is full
  std::size_t max_told_;
};

// The processes of a recording, as spans ask for them. One thread.
class RecordedProcesses final : public span::ProcessLookup {
 public:
  RecordedProcesses(process::TraceMode mode, std::size_t max_processes)
      : mode_(mode), max_processes_(max_processes) {}

  void Add(kernel::RecordedProcess process);
  // A process of which the recording says nothing is "unknown_service".
  span::ProcessView Find(std::uint32_t pid) override;
  void NoteInstrumented(std::uint32_t pid, bool exported) override;

 private:
  process::TraceMode mode_;
  std::size_t max_processes_;
  FlatMap<std::uint32_t, span::ProcessView> views_;
};

}  // namespace wirespan::app
