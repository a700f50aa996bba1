#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wirespan {

// FIPS 180-4. For names and redaction; passwords and TLS have OpenSSL.
std::array<std::uint8_t, 32> Sha256(std::string_view bytes);

}  // namespace wirespan
