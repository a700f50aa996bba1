#pragma once

#include <cstdint>
#include <string_view>

namespace wirespan::http2 {

// Codes of RST_STREAM and GOAWAY (RFC 9113, 7), those that something depends on.
enum ErrorCode : std::uint32_t { kNoError = 0, kRefusedStream = 7, kCancel = 8 };

// "REFUSED_STREAM"; "_OTHER" for codes that the RFC does not know. From static storage.
std::string_view ErrorName(std::uint32_t code);

}  // namespace wirespan::http2
