#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/connection/event.h"

namespace wirespan::kernel {

// One record of the rings (bpf/abi/event.h) as an event; the event's views point into `record`.
// False: the record is not what it says it is (kind, size), and `event` is unspecified. Pure.
bool DecodeRecord(std::string_view record, connection::Event& event);

}  // namespace wirespan::kernel
