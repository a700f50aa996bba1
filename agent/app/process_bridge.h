#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "agent/kernel/live_source.h"
#include "agent/process/process_table.h"
#include "agent/span/process_view.h"
#include "common/base/flat_map.h"

namespace wirespan::app {

// Answers the spans' questions about processes from the process table, and tells the kernel what to
// do with each. Pipeline thread only.
class ProcessBridge final : public span::ProcessLookup {
 public:
  // `source` may be null (replay): then nobody is told. Both outlive the bridge.
  ProcessBridge(process::ProcessTable& table, kernel::LiveSource* source)
      : table_(table), source_(source) {}

  span::ProcessView Find(std::uint32_t pid) override;
  void NoteInstrumented(std::uint32_t pid, bool exported) override;

  // A socket or a program of this process appeared: look at it now, so that the kernel learns the
  // verdict early.
  void Meet(std::uint32_t pid) { Find(pid); }
  // The program of this process changed, or the process ended.
  void Forget(std::uint32_t pid);
  // The rules changed: every verdict is given again, also to those that the kernel is silent about.
  void JudgeAgain();

  // Processes that the kernel knows a verdict of, and how many it has room for (ws_verdicts in
  // bpf/lib/maps.h). What it has none for is captured, and judged here.
  std::size_t told() const { return told_.size(); }
  static constexpr std::size_t kMostTold = 16384;

  // For TableConfig::attach: what the table's process is in the words of spans.
  static std::shared_ptr<const void> ToResource(const process::Process& process);

 private:
  void Tell(std::uint32_t pid, bool observed);

  process::ProcessTable& table_;
  kernel::LiveSource* source_;
  FlatMap<std::uint32_t, bool>
      told_;  // bounded as the kernel's own map is: what it refuses is not kept
};

}  // namespace wirespan::app
