#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/export_options.h"
#include "agent/app/report.h"

namespace wirespan::app {

int ValidateCommand(const ConfigFlags& flags) {
  if (flags.file.empty()) {
    return ReportError({ErrorCode::kInvalidArgument,
                        "validate takes the file to check: wirespan-agent validate agent.yaml"});
  }
  auto config = LoadConfig(flags.file);
  if (!config) return ReportError(config.error());
  if (auto exporting = ExporterOptionsOf(*config); !exporting)
    return ReportError(exporting.error());
  std::cout << flags.file << ": valid\n";
  return kExitOk;
}

}  // namespace wirespan::app
