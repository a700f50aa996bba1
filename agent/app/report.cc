#include "agent/app/report.h"

#include <iostream>

#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"

namespace wirespan::app {

int ReportError(const Error& error) {
  std::cerr << "wirespan-agent: " << error.message << "\n";
  return ExitCodeOf(error);
}

bool NobodyThere(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kUnavailable;
}

Result<Config> ConfigOf(const ConfigFlags& flags) {
  return flags.file.empty() ? Result<Config>(DefaultConfig()) : LoadConfig(flags.file);
}

}  // namespace wirespan::app
