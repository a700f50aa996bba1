#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "agent/app/commands.h"
#include "agent/app/exit_codes.h"
#include "agent/app/handover.h"
#include "agent/app/report.h"

namespace wirespan::app {

int ReleaseCommand(const ConfigFlags& flags) {
  auto config = ConfigOf(flags);
  if (!config) return ReportError(config.error());
  if (config->capture.handover.count() == 0) config->capture.handover = std::chrono::seconds(1);
  const std::string directory = HandoverDirectory(*config);
  if (directory.empty() || access(directory.c_str(), F_OK) != 0) {
    std::cout << "nothing was left behind\n";
    return kExitOk;
  }
  kernel::LeftBehind::Remove(directory);
  if (access(directory.c_str(), F_OK) == 0) {
    return ReportError(Error{ErrorCode::kPermissionDenied,
                             directory + " can't be removed: run as root, or as the agent's user"});
  }
  rmdir(kHandoverRoot);  // unless another agent's is there
  std::cout << "removed " << directory << "\n";
  return kExitOk;
}

}  // namespace wirespan::app
