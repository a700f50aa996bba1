#pragma once

#include <cstdint>

#include "gateway/sink/store/trace_store.h"
#include "tests/bench/store/fleet.h"

namespace wirespan::bench {

// Asks each kind of question so many times of a store that holds the fleet's first `traces`, and
// prints how long the answers took.
void AskAll(const gateway::store::TraceStore& store, const Fleet& fleet, std::uint64_t traces,
            int times);

}  // namespace wirespan::bench
