#include "agent/protocol/http2/error_code.h"

#include <array>
#include <cstddef>

namespace wirespan::http2 {

std::string_view ErrorName(std::uint32_t code) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "NO_ERROR",
      "PROTOCOL_ERROR",
      "INTERNAL_ERROR",
      "FLOW_CONTROL_ERROR",
      "SETTINGS_TIMEOUT",
      "STREAM_CLOSED",
      "FRAME_SIZE_ERROR",
      "REFUSED_STREAM",
      "CANCEL",
      "COMPRESSION_ERROR",
      "CONNECT_ERROR",
      "ENHANCE_YOUR_CALM",
      "INADEQUATE_SECURITY",
      "HTTP_1_1_REQUIRED",
  };
  return code < kNames.size() ? kNames[static_cast<std::size_t>(code)] : "_OTHER";
}

}  // namespace wirespan::http2
