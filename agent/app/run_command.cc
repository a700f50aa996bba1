#include <csignal>
#include <iostream>

#include "agent/app/agent.h"
#include "agent/app/commands.h"
#include "agent/app/config_load.h"
#include "agent/app/exit_codes.h"
#include "agent/app/report.h"

namespace wirespan::app {

int RunCommand(const RunFlags& flags) {
  auto config = ConfigOf(flags.config);
  if (!config) return ReportError(config.error());
  ApplyLogging(*config);
  // Before any thread starts: all inherit the blocked signals.
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT, SIGHUP});
  if (!signals) return ReportError(signals.error());
  auto agent = Agent::Create(std::move(*config), *signals);
  if (!agent) return ReportError(agent.error());
  if (*agent == nullptr) return kExitOk;  // ended before it was its turn
  return (*agent)->Run(*signals);
}

}  // namespace wirespan::app
