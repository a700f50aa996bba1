#pragma once

#include <chrono>
#include <cstddef>
#include <limits>

#include "gateway/app/config_loader.h"

namespace wirespan::gateway {

// Exit codes, documented in docs/gateway.md.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed =
    1;  // could not start or could not go on: port in use, file not writable
inline constexpr int kExitUsage = 2;  // bad command line or configuration

struct RunOptions {
  // Of requests held, at most; less where the memory ceiling does not allow it.
  std::size_t memory_bytes = std::numeric_limits<std::size_t>::max();
  std::chrono::milliseconds drain{15000};  // for what is held, after SIGTERM
};

// Serves until SIGTERM or SIGINT, then drains; SIGHUP reads the configuration again. Returns the
// exit code; what went wrong has been told in one sentence for each mistake.
int Run(const ConfigSources& sources, const RunOptions& options);

}  // namespace wirespan::gateway
