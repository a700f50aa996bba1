#pragma once

#include <string>

namespace wirespan::gateway {

// `queue dump FOLDER`: a line for each record of a queue on disk; changes nothing. The exit code.
int DumpQueue(const std::string& folder);

}  // namespace wirespan::gateway
