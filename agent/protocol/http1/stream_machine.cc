#include "agent/protocol/http1/stream_machine.h"

#include <algorithm>

namespace wirespan::http1 {
namespace {

// Position behind the empty line that ends a head, looking from `from` on; 0: not there.
std::size_t FindHeadEnd(std::string_view head, std::size_t from) {
  for (std::size_t pos = head.find('\n', from); pos != std::string_view::npos;
       pos = head.find('\n', pos + 1)) {
    if (pos + 1 < head.size() && head[pos + 1] == '\n') return pos + 2;
    if (pos + 2 < head.size() && head[pos + 1] == '\r' && head[pos + 2] == '\n') return pos + 3;
  }
  return 0;
}

}  // namespace

Likeness StreamMachine::Sniff(std::string_view bytes) const {
  return role_ == Role::kRequest ? LooksLikeRequest(bytes, true) : LooksLikeResponse(bytes);
}

ParseResult StreamMachine::Parse(std::string_view bytes, HeadOut& out) const {
  return role_ == Role::kRequest ? ParseRequestHead(bytes, out.request)
                                 : ParseResponseHead(bytes, out.response);
}

void StreamMachine::Begin(const protocol::Piece& piece) {
  begin_ = {piece.offset, piece.ts_ns, piece.start_ns, piece.pid, piece.tid, piece.wire_exact};
  head_incomplete_ = body_incomplete_ = false;
  payload_ = 0;
  kind_ = BodyKind::kNone;
}

void StreamMachine::Take(protocol::Piece& piece, std::uint64_t n) {
  if (piece.ts_ns != 0) last_ts_ns_ = piece.ts_ns;
  piece.Skip(n);
}

void StreamMachine::Scan() {
  head_.clear();
  searched_ = 0;
  line_checked_ = clear_head_ = false;
  state_ = State::kScan;
}

StreamEvent StreamMachine::Lose() {
  Scan();
  return StreamEvent::kLost;
}

StreamEvent StreamMachine::Finish() {
  state_ = State::kHead;
  return StreamEvent::kEnd;
}

void StreamMachine::SetBody(const Body& body) {
  kind_ = body.kind;
  if (head_incomplete_ && kind_ != BodyKind::kOpaque) {
    kind_ = BodyKind::kUnknown;
    body_incomplete_ = true;
  }
  switch (kind_) {
    case BodyKind::kNone:
      state_ = State::kEnding;
      break;
    case BodyKind::kLength:
      state_ = State::kLength;
      remaining_ = body.length;
      break;
    case BodyKind::kChunked:
      state_ = State::kChunked;
      chunked_ = ChunkedDecoder{};
      break;
    case BodyKind::kUntilClose:
      state_ = State::kUntilClose;
      break;
    case BodyKind::kUnknown:
      state_ = State::kUnknown;
      break;
    case BodyKind::kOpaque:
      state_ = State::kOpaque;
      break;
  }
}

StreamEvent StreamMachine::Next(protocol::Piece& piece, HeadOut& out) {
  if (clear_head_) {
    head_.clear();
    clear_head_ = false;
  }
  while (true) {
    switch (state_) {
      case State::kHead:
      case State::kScan:
        return ReadHead(piece, out);
      case State::kAwaitBody:
      case State::kEnding:
        return Finish();
      case State::kLength: {
        const std::uint64_t n = std::min(remaining_, piece.size());
        remaining_ -= n;
        payload_ += n;
        Take(piece, n);
        return remaining_ == 0 ? Finish() : StreamEvent::kNeedMore;
      }
      case State::kChunked:
        if (piece.empty()) return StreamEvent::kNeedMore;
        if (!piece.bytes.empty()) {
          Take(piece, chunked_.OnBytes(piece.bytes));
          if (chunked_.done()) return Finish();
        } else if (const std::uint64_t n = chunked_.OnGap(piece.size()); n != 0) {
          Take(piece, n);
          break;
        } else {
          body_incomplete_ = true;
          state_ = State::kUnknown;
        }
        if (chunked_.invalid()) {
          body_incomplete_ = true;
          state_ = State::kUnknown;
        }
        break;
      case State::kUntilClose:
        payload_ += piece.size();
        Take(piece, piece.size());
        return StreamEvent::kNeedMore;
      case State::kUnknown:
        return ReadUnknown(piece);
      case State::kOpaque:
        piece.Skip(piece.size());
        return StreamEvent::kNeedMore;
    }
  }
}

StreamEvent StreamMachine::ReadUnknown(protocol::Piece& piece) {
  if (boundary_allowed_ && piece.whole && !piece.bytes.empty() && role_ == Role::kRequest &&
      Sniff(piece.bytes) != Likeness::kNo) {
    state_ = State::kScan;
    return StreamEvent::kEnd;
  }
  // The last chunk ends a piece: a guess, and the body is marked as incomplete already.
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  const std::string_view bytes = piece.bytes;
  const bool last =
      kind_ == BodyKind::kChunked && piece.gap() == 0 && bytes.ends_with(kLastChunk) &&
      ((bytes.size() == kLastChunk.size() && piece.whole) || bytes.ends_with("\r\n0\r\n\r\n"));
  Take(piece, piece.size());
  if (!last) return StreamEvent::kNeedMore;
  state_ = State::kScan;
  return StreamEvent::kEnd;
}

StreamEvent StreamMachine::ReadHead(protocol::Piece& piece, HeadOut& out) {
  if (!head_.empty()) return BufferHead(piece, out);
  const bool starts = piece.whole;
  while (!piece.bytes.empty() && (piece.bytes.front() == '\r' || piece.bytes.front() == '\n'))
    piece.Skip(1);
  if (piece.empty()) return StreamEvent::kNeedMore;
  if (piece.bytes.empty()) {  // a gap, and a head in it
    piece.Skip(piece.size());
    return state_ == State::kScan ? StreamEvent::kNeedMore : Lose();
  }
  if (state_ == State::kScan) {
    const Likeness likeness = starts ? Sniff(piece.bytes) : Likeness::kNo;
    if (likeness == Likeness::kNo || (likeness == Likeness::kNeedMore && piece.gap() != 0)) {
      Take(piece, piece.size());
      return StreamEvent::kNeedMore;
    }
    if (likeness == Likeness::kYes) state_ = State::kHead;
  }
  Begin(piece);
  const ParseResult parsed = Parse(piece.bytes, out);
  switch (parsed.status) {
    case ParseStatus::kComplete:
      Take(piece, parsed.consumed);
      out.begin = begin_;
      out.end_ts_ns = last_ts_ns_;
      out.incomplete = false;
      state_ = State::kAwaitBody;
      return StreamEvent::kHead;
    case ParseStatus::kInvalid: {
      const bool scanning = state_ == State::kScan;
      Take(piece, piece.size());
      Scan();
      return scanning ? StreamEvent::kNeedMore : StreamEvent::kLost;
    }
    case ParseStatus::kNeedMore:
      break;
  }
  if (piece.gap() == 0 && piece.bytes.size() < max_head_bytes_) {
    searched_ = 0;
    line_checked_ = parsed.consumed != 0;
    head_.assign(piece.bytes);
    Take(piece, piece.size());
    return StreamEvent::kNeedMore;
  }
  const std::string_view seen = piece.bytes.substr(0, max_head_bytes_);
  Take(piece, piece.size());
  return CutHead(seen, out);
}

StreamEvent StreamMachine::BufferHead(protocol::Piece& piece, HeadOut& out) {
  if (piece.empty()) return StreamEvent::kNeedMore;
  const std::size_t before = head_.size();
  head_.append(piece.bytes.substr(0, max_head_bytes_ - before));
  const std::size_t end = FindHeadEnd(head_, searched_ > 2 ? searched_ - 2 : 0);
  searched_ = head_.size();
  if (end == 0 && !line_checked_ && head_.find('\n', before) != std::string::npos) {
    line_checked_ = true;
    if (Parse(head_, out).status == ParseStatus::kInvalid) {
      const bool scanning = state_ == State::kScan;
      Take(piece, piece.size());
      Scan();
      return scanning ? StreamEvent::kNeedMore : StreamEvent::kLost;
    }
    state_ = State::kHead;
  }
  if (end == 0 && piece.gap() == 0 && head_.size() < max_head_bytes_) {
    Take(piece, piece.size());
    return StreamEvent::kNeedMore;
  }
  const ParseResult parsed = end == 0 ? ParseResult{ParseStatus::kNeedMore, 0} : Parse(head_, out);
  if (parsed.status != ParseStatus::kComplete || parsed.consumed <= before) {
    Take(piece, piece.size());
    return CutHead(head_, out);
  }
  Take(piece, parsed.consumed - before);
  out.begin = begin_;
  out.end_ts_ns = last_ts_ns_;
  out.incomplete = false;
  clear_head_ = true;
  state_ = State::kAwaitBody;
  return StreamEvent::kHead;
}

StreamEvent StreamMachine::CutHead(std::string_view seen, HeadOut& out) {
  const ParseResult parsed = role_ == Role::kRequest ? ParseRequestHeadPrefix(seen, out.request)
                                                     : ParseResponseHeadPrefix(seen, out.response);
  if (parsed.status != ParseStatus::kComplete) return Lose();
  out.begin = begin_;
  out.end_ts_ns = last_ts_ns_;
  out.incomplete = head_incomplete_ = true;
  clear_head_ = true;
  state_ = State::kAwaitBody;
  return StreamEvent::kHead;
}

StreamEvent StreamMachine::End(HeadOut& out) {
  if (clear_head_) {
    head_.clear();
    clear_head_ = false;
  }
  switch (state_) {
    case State::kHead:
    case State::kScan:
      return head_.empty() ? StreamEvent::kNeedMore : CutHead(head_, out);
    case State::kAwaitBody:
    case State::kEnding:
    case State::kUntilClose:
    case State::kUnknown:
      return Finish();
    case State::kLength:
    case State::kChunked:
      return Lose();
    case State::kOpaque:
      break;
  }
  return StreamEvent::kNeedMore;
}

}  // namespace wirespan::http1
