#pragma once

#include <cstdint>

namespace wirespan::connection {

// How near the process is to its memory limit.
enum class Pressure : std::uint8_t { kNone, kNear, kOver };

}  // namespace wirespan::connection
