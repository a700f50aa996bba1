#include "agent/protocol/http2/frame.h"

#include <algorithm>

namespace wirespan::http2 {
namespace {

std::uint32_t Byte(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// What the flags put in front of the payload's contents.
std::uint32_t FieldBytes(const FrameHeader& header) {
  const std::uint32_t pad = header.has(kPadded) ? 1 : 0;
  switch (header.type) {
    case FrameType::kData:
      return pad;
    case FrameType::kHeaders:
      return pad + (header.has(kPriorityFlag) ? 5 : 0);
    case FrameType::kPushPromise:
      return pad + 4;
    default:
      return 0;
  }
}

bool Allowed(const FrameHeader& header) {
  switch (header.type) {
    case FrameType::kData:
    case FrameType::kHeaders:
    case FrameType::kPushPromise:
      return header.stream != 0 && header.length >= FieldBytes(header);
    case FrameType::kContinuation:
      return header.stream != 0;
    case FrameType::kPriority:
      return header.stream != 0 && header.length == 5;
    case FrameType::kRstStream:
      return header.stream != 0 && header.length == 4;
    case FrameType::kSettings:
      return header.stream == 0 && header.length % 6 == 0 &&
             (!header.has(kAck) || header.length == 0);
    case FrameType::kPing:
      return header.stream == 0 && header.length == 8;
    case FrameType::kGoaway:
      return header.stream == 0 && header.length >= 8;
    case FrameType::kWindowUpdate:
      return header.length == 4;
  }
  return true;  // extensions
}

std::uint8_t DefinedFlags(FrameType type) {
  switch (type) {
    case FrameType::kData:
      return kEndStream | kPadded;
    case FrameType::kHeaders:
      return kEndStream | kEndHeaders | kPadded | kPriorityFlag;
    case FrameType::kPushPromise:
      return kEndHeaders | kPadded;
    case FrameType::kContinuation:
      return kEndHeaders;
    case FrameType::kSettings:
    case FrameType::kPing:
      return kAck;
    default:
      return 0;
  }
}

// ALTSVC, ORIGIN, PRIORITY_UPDATE.
bool Registered(FrameType type) {
  const auto number = static_cast<std::uint8_t>(type);
  return number <= 9 || number == 10 || number == 12 || number == 16;
}

// Receivers ignore the reserved bit, undefined flags and unknown types; programs send next to none
// of them.
bool Usual(std::string_view nine, const FrameHeader& header) {
  return Registered(header.type) && (Byte(nine, 5) & 0x80) == 0 &&
         (header.flags & ~DefinedFlags(header.type)) == 0;
}

bool FixedSize(const FrameHeader& header) {
  switch (header.type) {
    case FrameType::kPriority:
    case FrameType::kRstStream:
    case FrameType::kSettings:
    case FrameType::kPing:
    case FrameType::kWindowUpdate:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ParseFrameHeader(std::string_view nine, FrameHeader& out) {
  if (nine.size() < kFrameHeaderBytes) return false;
  out.length = Byte(nine, 0) << 16 | Byte(nine, 1) << 8 | Byte(nine, 2);
  out.type = static_cast<FrameType>(Byte(nine, 3));
  out.flags = static_cast<std::uint8_t>(Byte(nine, 4));
  out.stream =
      (Byte(nine, 5) & 0x7f) << 24 | Byte(nine, 6) << 16 | Byte(nine, 7) << 8 | Byte(nine, 8);
  return Allowed(out);
}

int LooksLikeFrames(std::string_view bytes) {
  constexpr int kCertain = 3;
  int score = 1;
  while (score < kCertain && !bytes.empty()) {
    if (bytes.size() < kFrameHeaderBytes) {
      const bool bad = bytes.size() > 3 && !Registered(static_cast<FrameType>(Byte(bytes, 3)));
      return bad ? 0 : score;
    }
    FrameHeader header;
    if (!ParseFrameHeader(bytes, header) || !Usual(bytes, header)) return 0;
    const std::size_t size = kFrameHeaderBytes + header.length;
    if (FixedSize(header) || size <= bytes.size()) ++score;
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return score;
}

}  // namespace wirespan::http2
