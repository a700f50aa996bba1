#pragma once

#include <cstddef>
#include <cstdint>

// HTTP/2's frames (RFC 9113, 4 and 6): numbers as on the wire.
namespace wirespan::http2 {

enum class FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

inline constexpr std::uint8_t kEndStream = 1;  // DATA, HEADERS
inline constexpr std::uint8_t kAck = 1;        // SETTINGS, PING
inline constexpr std::uint8_t kEndHeaders = 4;
inline constexpr std::uint8_t kPadded = 8;
inline constexpr std::uint8_t kPriorityFlag = 32;

inline constexpr std::size_t kFrameHeaderBytes = 9;

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload
  FrameType type = FrameType::kData;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};

}  // namespace wirespan::http2
