#pragma once

#include "common/config/schema.h"

namespace wirespan::app {

// Every key that the agent's file may have, with type, default and one sentence: what
// config_load.cc reads, what is refused, and what docs/configuration.md must say
// (tests/unit/agent/app checks that).
const config::Key& ConfigSchema();

}  // namespace wirespan::app
