#pragma once

namespace wirespan::gateway {

// Lets this process have as many descriptors open as the system allows it: shells and older service
// managers start programs with 1024, and each sender's connection is one.
void AllowManyConnections();

}  // namespace wirespan::gateway
