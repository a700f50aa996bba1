#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
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
  // The header of a DATA, HEADERS, CONTINUATION or PUSH_PROMISE frame was read. A CONTINUATION
  // follows the HEADERS (or PUSH_PROMISE) of its stream; only what follows OnLost may begin with
  // one.
  virtual void OnFrame(const Frame& frame) = 0;
  // The next octets of its payload: `bytes`, then `gap` octets that nobody captured. Pad length,
  // padding, priority fields and the promised stream are left out. Padding that can't be told from
  // data, because its length fell into a gap, counts as data, and `exact` is false from then on.
  virtual void OnPayload(const Frame& frame, std::string_view bytes, std::uint64_t gap,
                         bool exact) = 0;
  // Its last octet passed, at ts_ns (0: unknown).
  virtual void OnFrameEnd(const Frame& frame, std::uint64_t ts_ns) = 0;
  // A whole frame of another known type. `payload` is cut at kMaxControlBytes and where a gap
  // begins, so it may be empty whatever the type. Frames of unknown types are not told.
  virtual void OnControl(const Frame& frame, std::string_view payload, std::uint64_t ts_ns) = 0;
  // Whole DATA frames of one stream, unseen: no padding, no END_STREAM. Stream 0: WINDOW_UPDATE
  // frames, of any streams.
  virtual void OnRun(const protocol::FrameRun& run, const protocol::Piece& piece) = 0;
  // Octets were missed or make no frames: any frames may have been among them, of any stream, and
  // the frame under way (if any) will not end. Told at once, and again for every piece until a
  // boundary is found; whatever else is told next begins at a frame boundary. `unseen`: how many
  // octets that was; 0: none, but what was told of the frame under way may be wrong.
  virtual void OnLost(std::uint64_t unseen) = 0;
};

// One direction of an HTTP/2 connection as frames: bytes and gaps in, frames out. Pure; bounded
// memory (a frame header, and kMaxControlBytes of a control frame that is cut into pieces).
//
//   kPreface --24 octets--> kHeader --9 octets--> kPayload --its length--> kHeader
//   kHeader, kPreface --gap, or octets that are no frame header--> kLost
//   kPayload --a padding longer than the payload--> kLost
//   kLost --a piece that begins at a frame boundary--> kHeader
//
// A gap inside a payload is arithmetic: the frame goes on behind it. In kLost a boundary is taken
// where the kernel marked one (Piece::frame_start) and the octets agree, where a run is told whose
// sizes add up, or where a piece of a call begins with octets that are certainly frames
// (LooksLikeFrames), or with the preface.
//
// A mark or run where this expects none: either may be wrong, as both may have begun in the middle.
// The octets decide: if they are likely frames, or the run's sizes add up, what was under way is
// lost and the boundary taken; else the mark is ignored, and the run is a gap.
//
// The first frame behind a preface, and the server's first, is SETTINGS; a header block is not
// interrupted (RFC 9113, 3.4 and 4.3). What breaks that is no HTTP/2, or not where we think.
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

  bool lost() const { return state_ == State::kLost; }
  // Between two frames: nothing of the next one was seen.
  bool at_boundary() const { return state_ == State::kHeader && collected_ == 0; }

 private:
  enum class State : std::uint8_t { kPreface, kHeader, kPayload, kLost };

  void ReadPreface(protocol::Piece& piece, FrameSink& sink);
  void ReadHeader(protocol::Piece& piece, FrameSink& sink);
  bool TakeHeader(std::string_view nine);
  void BeginPayload(std::uint64_t ts_ns, FrameSink& sink);
  void ReadPayload(protocol::Piece& piece, FrameSink& sink);
  bool ReadFields(protocol::Piece& piece);
  void ReadContents(protocol::Piece& piece, FrameSink& sink);
  void ReadControl(protocol::Piece& piece, FrameSink& sink);
  void EndFrame(std::uint64_t ts_ns, std::string_view control, FrameSink& sink);
  void Consume(protocol::Piece& piece, std::uint64_t n);

  bool FeedRun(const protocol::Piece& piece, FrameSink& sink);
  bool Contradicts(const protocol::Piece& piece) const;
  bool FindBoundary(const protocol::Piece& piece);
  void TakeBoundary();
  void Lose(protocol::Piece& piece, FrameSink& sink);

  State state_;
  bool settings_next_;          // the first frame has to be SETTINGS
  bool resynced_ = false;       // the next header is the first one behind a loss
  std::uint8_t collected_ = 0;  // octets of the preface or a header that came already; else 0
  std::array<char, kFrameHeaderBytes> head_{};
  std::uint32_t block_ = 0;  // the stream whose header block is not finished; 0: none

  // Of the frame under way, in kPayload.
  Frame frame_{};
  std::uint32_t left_ = 0;    // of the payload, padding and all
  std::uint8_t fields_ = 0;   // octets still to come in front of its contents
  bool pad_next_ = false;     // of which the first is the pad length
  std::uint8_t padding_ = 0;  // at its end
  bool exact_ = true;
  bool control_cut_ = false;
  std::string control_{};
};

}  // namespace wirespan::http2
