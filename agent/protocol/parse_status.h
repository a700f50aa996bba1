#pragma once

#include <cstdint>

namespace wirespan::protocol {

// What a parser says of bytes from outside. kNeedMore: a longer input with this prefix may be
// complete.
enum class ParseStatus : std::uint8_t { kComplete, kNeedMore, kInvalid };

}  // namespace wirespan::protocol
