#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

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

// The client's first octets; a SETTINGS frame follows.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct FrameHeader {
  std::uint32_t length = 0;           // of the payload
  FrameType type = FrameType::kData;  // also values that the enumeration does not name
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;

  bool known() const { return type <= FrameType::kContinuation; }
  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

// Parse of nine octets; false: not a header that a peer may send (RFC 9113, 6: stream ids and
// lengths by type).
bool ParseFrameHeader(std::string_view nine, FrameHeader& out);

// How well `bytes`, which begin a call, chain into frames:
//
//   0  not at all: a header is none, or has what no program sends (unknown types, undefined flags)
//   1  nothing speaks against it: the first frame (or its header) goes on beyond them
//   2  likely: a frame of a fixed size, or one that ends where the bytes end or another begins
//   3  certain: two such
int LooksLikeFrames(std::string_view bytes);

}  // namespace wirespan::http2
