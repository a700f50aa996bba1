#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connection/event.h"
#include "agent/connection/handover.h"

namespace wirespan::app {

// What one agent tells the next of open connections (handover.h). Bytes from outside on the way in.
struct LeftState {
  std::vector<connection::OpenEvent> opens{};
  std::vector<connection::HandedConnection> tables{};
};

// At most `max_bytes`, tables first; what does not fit is left out.
std::string EncodeLeftState(const LeftState& state, std::size_t max_bytes);
// Nothing unless all of it is well-formed.
std::optional<LeftState> DecodeLeftState(std::string_view bytes);

}  // namespace wirespan::app
