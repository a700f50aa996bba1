#pragma once

#include <cstdint>
#include <string_view>

namespace wirespan::http1 {

enum class Likeness : std::uint8_t { kYes, kNo, kNeedMore };

// Does a message start here? A request: a whole request line, or the begin of one with a registered
// method and a plausible target; a response: "HTTP/1.x NNN". Empty lines before it are skipped.
// `anywhere`: the bytes need not be a message's first, so that "OST / HTTP/1.1" proves nothing:
// only registered methods count.
Likeness LooksLikeRequest(std::string_view bytes, bool anywhere = false);
Likeness LooksLikeResponse(std::string_view bytes);

}  // namespace wirespan::http1
