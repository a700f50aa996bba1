#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/protocol/http2/frame.h"
#include "agent/protocol/piece.h"

namespace wirespan::http2 {

// Where and when the first byte of a frame was seen.
struct Mark {
  std::uint64_t offset = 0;
  std::uint64_t ts_ns = 0;
  std::uint64_t start_ns = 0;
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  bool wire_exact = false;
};

struct Frame {
  FrameHeader header{};
  Mark begin{};
};

// Told in the order of the stream. Views hold for the call only.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The header of a frame was read; all but DATA, HEADERS, CONTINUATION and PUSH_PROMISE come with
  // OnControl instead.
  virtual void OnFrame(const Frame& frame) = 0;
  // The next octets of its payload: `bytes`, then `gap` octets that nobody captured. Pad length,
  // padding, priority fields and the promised stream are left out. Padding that can't be told from
  // data, because its length fell into a gap, counts as data, and `exact` is false from then on.
  virtual void OnPayload(const Frame& frame, std::string_view bytes, std::uint64_t gap,
                         bool exact) = 0;
  // Its last octet passed, at ts_ns (0: unknown).
  virtual void OnFrameEnd(const Frame& frame, std::uint64_t ts_ns) = 0;
  // A whole frame of another known type. `payload` is cut at kMaxControlBytes and where a gap begins.
  virtual void OnControl(const Frame& frame, std::string_view payload, std::uint64_t ts_ns) = 0;
  // Whole DATA frames of one stream, unseen: no padding, no END_STREAM.
  virtual void OnRun(const protocol::FrameRun& run, const protocol::Piece& piece) = 0;
  // Octets were missed or make no frames: any frames may have been among them, of any stream, and
  // the frame under way (if any) will not end. What follows begins at a frame boundary again.
  // `unseen`: how many octets that was.
  virtual void OnLost(std::uint64_t unseen) = 0;
};

// One direction of an HTTP/2 connection as frames: bytes and gaps in, frames out. Pure; bounded
// memory (a frame header, and kMaxControlBytes of a control frame that is cut into pieces).
//
//   kPreface --24 octets--> kHeader --9 octets--> kPayload --its length--> kHeader
//   kHeader, kPreface --gap, or octets that are no frame header--> kLost
//   kLost --a piece that begins at a frame boundary--> kHeader
//
// A gap inside a payload is arithmetic: the frame goes on behind it. In kLost a boundary is taken
// where the kernel marked one (Piece::frame_start) and the octets agree, or where a piece of a call
// begins with octets that chain to several plausible frames (LooksLikeFrames).
class FrameReader {
 public:
  enum class Begin : std::uint8_t {
    kPreface,  // the client's first octets
    kFrames,   // the server's first octets: a SETTINGS frame
    kScan,     // joined later: look for a boundary
  };
  static constexpr std::size_t kMaxControlBytes = 4096;

  explicit FrameReader(Begin begin);

  // Takes all of it.
  void Feed(const protocol::Piece& piece, FrameSink& sink);

  bool lost() const;
  // Between two frames: nothing of the next one was seen.
  bool at_boundary() const;
};

// How well `bytes`, which begin a call, chain into frames: 0 not at all, 1 nothing speaks against it,
// 2 likely (a fixed-size frame, or one that ends where the bytes end), 3 certain (several such).
int LooksLikeFrames(std::string_view bytes);

// nullptr-free parse of nine octets; false: not a header that a peer may send (RFC 9113, 6: stream
// ids and lengths by type; lengths beyond 2^24-1 can't be).
bool ParseFrameHeader(std::string_view nine, FrameHeader& out);

}  // namespace wirespan::http2
