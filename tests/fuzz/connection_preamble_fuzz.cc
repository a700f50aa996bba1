// What starts a connection: PROXY preambles, and the decision about its protocol.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/connection/protocol_decision.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  wirespan::proxy::Preamble preamble;
  if (wirespan::proxy::ParsePreamble(input, preamble) ==
          wirespan::protocol::ParseStatus::kComplete &&
      (preamble.consumed == 0 || preamble.consumed > size)) {
    std::abort();
  }
  for (const bool late : {false, true}) {
    wirespan::connection::Decide(input, false, late);
    if (wirespan::connection::Decide(input, true, late).speaks ==
        wirespan::connection::Speaks::kNeedMore)
      std::abort();
  }
  return 0;
}
