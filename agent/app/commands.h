#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/app/watch_filter.h"

// What each command of wirespan-agent does, from parsed flags to an exit code (exit_codes.h).
// Results go to standard output, everything else to standard error.
namespace wirespan::app {

struct ConfigFlags {
  std::string file{};  // "" : defaults
};

struct RunFlags {
  ConfigFlags config{};
};
int RunCommand(const RunFlags& flags);

struct WatchFlags {
  ConfigFlags config{};
  WatchFilter filter{};
  bool json = false;
  std::string control_socket{};  // "" : the config's
  std::uint64_t count = 0;       // stop after so many; 0: go on
};
int WatchCommand(const WatchFlags& flags);

struct ExplainFlags {
  ConfigFlags config{};
  std::string control_socket{};
  std::uint32_t pid = 0;  // 0: all
  bool json = false;
  std::chrono::seconds observe{3};  // without a running agent: how long to look before answering
};
int ExplainCommand(const ExplainFlags& flags);

// Removes what a stopped agent left behind for the next one (capture.handover).
int ReleaseCommand(const ConfigFlags& flags);

struct CheckFlags {
  bool json = false;
};
int CheckCommand(const CheckFlags& flags);

int ValidateCommand(const ConfigFlags& flags);

struct RecordFlags {
  ConfigFlags config{};
  std::string file{};
  bool raw = false;
  std::uint64_t max_bytes = 256u << 20;
  std::chrono::seconds duration{0};  // 0: until interrupted
};
int RecordCommand(const RecordFlags& flags);

struct ReplayFlags {
  ConfigFlags config{};
  std::string file{};
  bool json = false;       // print the spans as `watch --json` does
  bool exporting = false;  // send them by OTLP as `run` does
};
int ReplayCommand(const ReplayFlags& flags);

}  // namespace wirespan::app
