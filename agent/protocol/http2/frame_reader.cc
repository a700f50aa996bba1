#include "agent/protocol/http2/frame_reader.h"

#include <algorithm>

namespace wirespan::http2 {
namespace {

Mark MarkOf(const protocol::Piece& piece) {
  return {piece.offset, piece.ts_ns, piece.start_ns, piece.pid, piece.tid, piece.wire_exact};
}

// Told with OnFrame, OnPayload and OnFrameEnd.
bool HasContents(FrameType type) {
  return type == FrameType::kData || type == FrameType::kHeaders ||
         type == FrameType::kPushPromise || type == FrameType::kContinuation;
}

bool AddsUp(const protocol::Piece& piece) {
  const protocol::FrameRun& run = piece.run;
  const std::uint64_t headers = std::uint64_t{run.frames} * kFrameHeaderBytes;
  constexpr std::uint64_t kUpdate = 4;  // octets of a WINDOW_UPDATE's payload
  if (run.stream > INT32_MAX || !piece.bytes.empty() || headers > piece.size()) return false;
  if (run.payload != piece.size() - headers) return false;
  return run.stream == 0 ? run.payload == kUpdate * run.frames
                         : run.payload / run.frames < 1u << 24;
}

}  // namespace

FrameReader::FrameReader(Begin begin)
    : state_(begin == Begin::kPreface  ? State::kPreface
             : begin == Begin::kFrames ? State::kHeader
                                       : State::kLost),
      settings_next_(begin != Begin::kScan) {}

void FrameReader::Feed(const protocol::Piece& given, FrameSink& sink) {
  if (given.empty()) return;
  if (given.run.frames != 0 && FeedRun(given, sink)) return;
  protocol::Piece piece = given;
  if (piece.frame_start && Contradicts(piece)) {
    sink.OnLost(collected_);
    state_ = State::kLost;
    collected_ = 0;
  }
  if (state_ == State::kLost && !FindBoundary(piece)) {
    Lose(piece, sink);
    return;
  }
  while (!piece.empty()) {
    switch (state_) {
      case State::kPreface:
        ReadPreface(piece, sink);
        break;
      case State::kHeader:
        ReadHeader(piece, sink);
        break;
      case State::kPayload:
        ReadPayload(piece, sink);
        break;
      case State::kLost:
        return;
    }
  }
}

bool FrameReader::FeedRun(const protocol::Piece& piece, FrameSink& sink) {
  if (!AddsUp(piece)) return false;
  const bool expected = at_boundary() && block_ == 0 && !settings_next_;
  if (!expected) {
    if (state_ != State::kLost) sink.OnLost(collected_);
    TakeBoundary();
  }
  resynced_ = false;
  sink.OnRun(piece.run, piece);
  return true;
}

bool FrameReader::Contradicts(const protocol::Piece& piece) const {
  const bool inside = state_ == State::kPayload || (state_ == State::kHeader && collected_ != 0);
  return inside && LooksLikeFrames(piece.bytes) >= 2;
}

// In kLost: does `piece` begin with a frame (or the preface)?
bool FrameReader::FindBoundary(const protocol::Piece& piece) {
  if (piece.bytes.empty() || !(piece.frame_start || piece.whole)) return false;
  if (piece.bytes.starts_with(kPreface)) {
    TakeBoundary();
    state_ = State::kPreface;
    settings_next_ = true;
    return true;
  }
  if (LooksLikeFrames(piece.bytes) < (piece.frame_start ? 1 : 3)) return false;
  TakeBoundary();
  return true;
}

void FrameReader::TakeBoundary() {
  state_ = State::kHeader;
  resynced_ = true;
  settings_next_ = false;
  block_ = 0;
  collected_ = 0;
}

// All of `piece`, and what was collected of a header, is no frame's.
void FrameReader::Lose(protocol::Piece& piece, FrameSink& sink) {
  const std::uint64_t unseen = piece.size() + collected_;
  state_ = State::kLost;
  collected_ = 0;
  piece.Skip(piece.size());
  sink.OnLost(unseen);
}

void FrameReader::ReadPreface(protocol::Piece& piece, FrameSink& sink) {
  const std::string_view rest = kPreface.substr(collected_);
  const std::size_t n = std::min(rest.size(), piece.bytes.size());
  if (n == 0 || piece.bytes.substr(0, n) != rest.substr(0, n)) return Lose(piece, sink);
  piece.Skip(n);
  collected_ = static_cast<std::uint8_t>(collected_ + n);
  if (collected_ < kPreface.size()) return;
  collected_ = 0;
  state_ = State::kHeader;
}

void FrameReader::ReadHeader(protocol::Piece& piece, FrameSink& sink) {
  if (piece.bytes.empty()) return Lose(piece, sink);
  if (collected_ == 0) frame_.begin = MarkOf(piece);
  const std::size_t n = std::min(kFrameHeaderBytes - collected_, piece.bytes.size());
  std::copy_n(piece.bytes.data(), n, head_.data() + collected_);
  if (collected_ + n < kFrameHeaderBytes) {
    collected_ = static_cast<std::uint8_t>(collected_ + n);
    piece.Skip(n);
    return;
  }
  if (!TakeHeader({head_.data(), head_.size()})) return Lose(piece, sink);
  const std::uint64_t ts_ns = piece.ts_ns;
  piece.Skip(n);
  collected_ = 0;
  BeginPayload(ts_ns, sink);
}

// Whether these octets may stand here.
bool FrameReader::TakeHeader(std::string_view nine) {
  FrameHeader& header = frame_.header;
  if (!ParseFrameHeader(nine, header)) return false;
  if (resynced_ && LooksLikeFrames(nine) == 0) return false;
  const bool continues = header.type == FrameType::kContinuation;
  if (settings_next_ && (header.type != FrameType::kSettings || header.has(kAck))) return false;
  if (block_ != 0 ? !continues || header.stream != block_ : continues && !resynced_) return false;
  settings_next_ = resynced_ = false;
  if (HasContents(header.type) && header.type != FrameType::kData) {
    block_ = header.has(kEndHeaders) ? 0 : header.stream;
  }
  return true;
}

void FrameReader::BeginPayload(std::uint64_t ts_ns, FrameSink& sink) {
  const FrameHeader& header = frame_.header;
  state_ = State::kPayload;
  left_ = header.length;
  padding_ = 0;
  exact_ = true;
  control_cut_ = false;
  control_.clear();
  pad_next_ =
      HasContents(header.type) && header.type != FrameType::kContinuation && header.has(kPadded);
  fields_ = pad_next_ ? 1 : 0;
  if (header.type == FrameType::kHeaders && header.has(kPriorityFlag)) fields_ += 5;
  if (header.type == FrameType::kPushPromise) fields_ += 4;
  if (HasContents(header.type)) sink.OnFrame(frame_);
  if (left_ == 0) EndFrame(ts_ns, {}, sink);
}

void FrameReader::ReadPayload(protocol::Piece& piece, FrameSink& sink) {
  if (!HasContents(frame_.header.type)) return ReadControl(piece, sink);
  const std::uint64_t ts_ns = piece.ts_ns;
  if (fields_ == 0) {
    ReadContents(piece, sink);
  } else if (!ReadFields(piece)) {
    return Lose(piece, sink);
  }
  if (left_ == 0) EndFrame(ts_ns, {}, sink);
}

// Pad length, priority, promised stream. False: a padding that can't be.
bool FrameReader::ReadFields(protocol::Piece& piece) {
  if (pad_next_) {
    pad_next_ = false;
    if (piece.bytes.empty()) {
      exact_ = false;
    } else {
      padding_ = static_cast<unsigned char>(piece.bytes.front());
      if (padding_ > left_ - fields_) return false;
    }
  }
  const std::uint64_t n = std::min<std::uint64_t>(fields_, piece.size());
  fields_ = static_cast<std::uint8_t>(fields_ - n);
  Consume(piece, n);
  return true;
}

void FrameReader::ReadContents(protocol::Piece& piece, FrameSink& sink) {
  const std::uint32_t contents = left_ - std::min<std::uint32_t>(left_, padding_);
  if (contents == 0) return Consume(piece, std::min<std::uint64_t>(left_, piece.size()));
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(contents, piece.size()));
  const std::string_view bytes = piece.bytes.substr(0, n);
  sink.OnPayload(frame_, bytes, n - bytes.size(), exact_);
  Consume(piece, n);
}

void FrameReader::ReadControl(protocol::Piece& piece, FrameSink& sink) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size()));
  std::string_view seen = piece.bytes.substr(0, n);
  const std::uint64_t ts_ns = piece.ts_ns;
  if (n < frame_.header.length && frame_.header.known()) {  // one of its parts
    if (!control_cut_) control_.append(seen.substr(0, kMaxControlBytes - control_.size()));
    control_cut_ = control_cut_ || seen.size() < n;
    seen = control_;
  }
  Consume(piece, n);
  if (left_ == 0) EndFrame(ts_ns, seen.substr(0, kMaxControlBytes), sink);
}

void FrameReader::EndFrame(std::uint64_t ts_ns, std::string_view control, FrameSink& sink) {
  state_ = State::kHeader;
  if (HasContents(frame_.header.type)) {
    sink.OnFrameEnd(frame_, ts_ns);
  } else if (frame_.header.known()) {
    sink.OnControl(frame_, control, ts_ns);
  }
}

void FrameReader::Consume(protocol::Piece& piece, std::uint64_t n) {
  left_ -= static_cast<std::uint32_t>(n);
  piece.Skip(n);
}

}  // namespace wirespan::http2
