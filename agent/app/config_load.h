#pragma once

#include <string>
#include <vector>

#include "agent/app/config.h"
#include "common/base/result.h"

namespace wirespan::app {

// Defaults with the standard OTEL_* variables of the environment applied.
Config DefaultConfig();

// The file, over the defaults, under the environment (OTEL_* override the file). The error names
// every mistake of the file, a line each: "agent.yaml:3:5: ...".
Result<Config> LoadConfig(const std::string& path);

// The same from text; `name` stands in front of every error.
Result<Config> ParseConfig(const std::string& name, const std::string& text);

// Keys whose change takes effect at the next start only, of those that differ.
std::vector<std::string> FixedChanges(const Config& old_config, const Config& new_config);

// Level and format of the log.
void ApplyLogging(const Config& config);

}  // namespace wirespan::app
