#pragma once

#include <cstdint>
#include <string_view>

namespace wirespan::http1 {

enum class Likeness : std::uint8_t { kYes, kNo, kNeedMore };

// Does a message start here? A request: a whole request line, or the begin of one with a registered
// method and a plausible target; a response: "HTTP/1.x NNN". Empty lines before it are skipped.
Likeness LooksLikeRequest(std::string_view bytes);
Likeness LooksLikeResponse(std::string_view bytes);

}  // namespace wirespan::http1
