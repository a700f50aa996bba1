#pragma once

#include <string>
#include <vector>

#include "gateway/sink/store/coverage_table.h"

namespace wirespan::gateway::query {

// {"nodes":[...]}: what agents see and what not, as /wirespan/api/coverage answers it
// (docs/gateway.md). "seen" of a ledger is what is over: reported and dropped together.
std::string CoverageJson(const std::vector<store::NodeCoverage>& nodes);

}  // namespace wirespan::gateway::query
