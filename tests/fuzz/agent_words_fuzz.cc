// What other processes tell an agent or its commands: the agent before it (header tables and open
// connections), agents beside it (one line), and the agent that `watch` is attached to (JSON).
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/app/left_state.h"
#include "agent/app/neighbours.h"
#include "agent/app/watch_line.h"

using namespace wirespan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  constexpr std::size_t kNoBound = 1u << 24;
  if (const auto state = app::DecodeLeftState(text)) {
    const auto again = app::DecodeLeftState(app::EncodeLeftState(*state, kNoBound));
    if (!again || again->opens.size() != state->opens.size() ||
        again->tables.size() != state->tables.size()) {
      std::abort();
    }
  }
  if (const auto tables = connection::ParseHandover(text)) {
    const auto bytes = connection::SerializeHandover(*tables, kNoBound);
    const auto again = connection::ParseHandover(bytes);
    if (!again || connection::SerializeHandover(*again, kNoBound) != bytes) std::abort();
  }
  if (const auto word = app::ReadWord(text)) {
    const auto again = app::ReadWord(app::WriteWord(*word));
    if (!again || again->node_wide != word->node_wide || again->state != word->state) std::abort();
  }
  (void)app::MayObserve(text);
  if (const auto line = app::FromJson(text)) {
    const std::string json = app::ToJson(*line);
    const auto again = app::FromJson(json);
    if (json.find('\n') != std::string::npos || !again || app::ToJson(*again) != json) std::abort();
  }
  return 0;
}
