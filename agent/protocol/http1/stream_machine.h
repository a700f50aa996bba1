#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocol/http1/body.h"
#include "agent/protocol/http1/chunked.h"
#include "agent/protocol/http1/head.h"
#include "agent/protocol/http1/sniff.h"
#include "agent/protocol/piece.h"

namespace wirespan::http1 {

enum class Role : std::uint8_t { kRequest, kResponse };

enum class StreamEvent : std::uint8_t {
  kNeedMore,  // the piece is used up
  kHead,      // a head was read: call SetBody before the next call
  kEnd,       // a message ended
  kLost,  // where a head should begin there was a gap, or bytes that are none: looking for the next
          // one
};

// Where and when a byte was seen.
struct Mark {
  std::uint64_t offset = 0;
  std::uint64_t ts_ns = 0;
  std::uint64_t start_ns = 0;
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  bool wire_exact = false;
};

// What kHead gives; `request` or `response` by role. Views hold until the machine's next call.
struct HeadOut {
  RequestHead request{};
  ResponseHead response{};
  Mark begin{};                 // of its first byte
  std::uint64_t end_ts_ns = 0;  // of its last byte
  bool incomplete =
      false;  // cut by a gap or the bound: the fields after it are unknown, and so is where it ends
};

// One direction of a connection as messages; bytes and gaps in, events out. The caller feeds
// contiguous pieces.
//
//   kHead --head--> kAwaitBody --SetBody--> kLength | kChunked | kUntilClose | kUnknown | kOpaque,
//   or kEnd at once kLength | kChunked --its end--> kHead (kEnd) kChunked --gap over framing-->
//   kUnknown --caller's Resync, "0 CRLF CRLF", a new request, End--> kHead or kScan kHead --gap,
//   garbage--> kScan --a piece that starts like a head--> kHead
//
// Memory: a copy of the head, only while one is cut into several pieces (at most max_head_bytes).
class StreamMachine {
 public:
  StreamMachine(Role role, std::size_t max_head_bytes)
      : role_(role), max_head_bytes_(max_head_bytes) {}

  // Consumes of `piece` up to the next event.
  StreamEvent Next(protocol::Piece& piece, HeadOut& out);
  // After kHead. An incomplete head's body is kUnknown whatever is said here, unless kOpaque.
  void SetBody(const Body& body);
  // No byte will follow. kHead (an incomplete one; SetBody, then call again), kEnd (a body that its
  // end ends), kLost (inside a message), kNeedMore (between messages).
  StreamEvent End(HeadOut& out);
  // Forgets where it was: the next head is looked for at the start of a piece.
  void Scan();
  // kUnknown bodies of requests end where a piece starts with a request, while this is set.
  void set_boundary_allowed(bool allowed) { boundary_allowed_ = allowed; }

  bool at_boundary() const {
    return (state_ == State::kHead || state_ == State::kScan) && head_.empty();
  }
  bool in_head() const {
    return (state_ == State::kHead || state_ == State::kScan) && !head_.empty();
  }
  bool scanning() const { return state_ == State::kScan; }
  bool unknown_end() const { return state_ == State::kUnknown; }
  bool in_body() const { return state_ >= State::kLength && state_ <= State::kUnknown; }
  bool until_close() const { return state_ == State::kUntilClose; }
  // Of the current or, after kEnd, the last message.
  std::uint64_t payload() const {
    return kind_ == BodyKind::kChunked ? chunked_.payload() : payload_;
  }
  bool body_incomplete() const { return body_incomplete_; }
  std::uint64_t last_ts_ns() const { return last_ts_ns_; }

 private:
  enum class State : std::uint8_t {
    kHead,
    kScan,
    kAwaitBody,
    kEnding,
    kLength,
    kChunked,
    kUntilClose,
    kUnknown,
    kOpaque
  };

  StreamEvent ReadHead(protocol::Piece& piece, HeadOut& out);
  StreamEvent BufferHead(protocol::Piece& piece, HeadOut& out);
  StreamEvent CutHead(std::string_view seen, HeadOut& out);
  StreamEvent Lose();
  StreamEvent ReadUnknown(protocol::Piece& piece);
  StreamEvent Finish();
  Likeness Sniff(std::string_view bytes) const;
  ParseResult Parse(std::string_view bytes, HeadOut& out) const;
  void Begin(const protocol::Piece& piece);
  void Take(protocol::Piece& piece, std::uint64_t n);

  Role role_;
  State state_ = State::kHead;
  BodyKind kind_ = BodyKind::kNone;
  bool body_incomplete_ = false;
  bool head_incomplete_ = false;
  bool boundary_allowed_ = false;
  bool clear_head_ = false;  // the views given out point into head_
  bool line_checked_ = false;
  std::size_t max_head_bytes_;
  std::string head_{};
  std::size_t searched_ = 0;  // of head_, for its end
  Mark begin_{};
  std::uint64_t remaining_ = 0;
  std::uint64_t payload_ = 0;
  std::uint64_t last_ts_ns_ = 0;
  ChunkedDecoder chunked_{};
};

}  // namespace wirespan::http1
