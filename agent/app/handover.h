#pragma once

#include <memory>
#include <string>

#include "agent/app/config.h"
#include "agent/app/pipeline.h"
#include "agent/kernel/left_behind.h"
#include "agent/kernel/live_source.h"

// A restart that misses nothing: what a stopping agent leaves for the next one with the same
// control socket (capture.handover, agent/kernel/left_behind.h).
namespace wirespan::app {

inline constexpr const char* kHandoverRoot = "/sys/fs/bpf/wirespan";

// Of the agents with this configuration; "": none, because handover is off or there is no control
// socket that could tell one agent of this machine from another.
std::string HandoverDirectory(const Config& config);

// Before this agent's own probes are loaded. Null: nobody left anything.
std::unique_ptr<kernel::LeftBehind> FindLeftBehind(const Config& config);

// Once they are attached: connections and their tables first, then what was written meanwhile. The
// old programs are gone afterwards.
void TakeOver(kernel::LeftBehind& left, kernel::LiveSource& source, Pipeline& pipeline);

// Unless nobody comes (successor.h); polls as long as that is not known. What can't be left is said
// in the log: a restart then misses some.
void LeaveBehind(const Config& config, kernel::LiveSource& source, Pipeline& pipeline);

}  // namespace wirespan::app
