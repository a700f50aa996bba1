#pragma once

#include "agent/app/commands.h"
#include "agent/app/config.h"
#include "common/base/result.h"

namespace wirespan::app {

// "wirespan-agent: <message>" on standard error; returns the exit code of the error.
int ReportError(const Error& error);

// The control socket has nobody behind it: no agent runs here.
bool NobodyThere(const Error& error);

// The file that the flags name, or the defaults.
Result<Config> ConfigOf(const ConfigFlags& flags);

}  // namespace wirespan::app
