#include "agent/connection/http2_flow.h"

#include <algorithm>
#include <utility>

#include "agent/connection/http2_connection.h"

namespace wirespan::connection {
namespace {

using http2::Frame;
using http2::FrameType;
using protocol::Piece;

constexpr std::uint16_t kHeaderTableSize = 1;  // a setting

std::uint32_t Number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

Http2Flow::Http2Flow(Http2Connection& owner, Http2Context& context, Direction direction,
                     http2::FrameReader::Begin begin)
    : owner_(owner),
      context_(context),
      direction_(direction),
      reader_(begin),
      headers_(context.hpack_limits(), begin != http2::FrameReader::Begin::kScan,
               context.limits.max_head_bytes),
      lost_(begin == http2::FrameReader::Begin::kScan),
      trusted_(!lost_) {}

Http2Flow::~Http2Flow() {
  if (HeaderDraft* draft = headers_.End(false)) context_.ReleaseDraft(draft);
}

void Http2Flow::Feed(Piece& piece) {
  if (piece.ts_ns != 0) last_ts_ns_ = piece.ts_ns;
  if (piece.pid != 0) pid_ = piece.pid;
  if (!started_) {
    started_ = true;
    if (handed_ && (piece.offset < handed_->read_to || piece.offset > handed_->boundary)) {
      handed_.reset();
    }
    // The other process saw where the frame under way ends.
    if (handed_ && piece.end > handed_->boundary) {
      piece.Skip(handed_->boundary - piece.offset);
      piece.frame_start = true;
    }
  }
  // Where the connection was joined; after a loss more is asked for.
  if (!joined_ && lost_ && piece.whole && http2::LooksLikeFrames(piece.bytes) >= 2) {
    piece.frame_start = true;
  }
  const auto count = piece.header_count;
  if (count) headers_.BeginPiece(*count);
  reader_.Feed(piece, *this);
  if (count) {
    headers_.EndPiece(*count);
  } else {
    headers_.EndPieceUncounted();
  }
  read_to_ = piece.end;
}

void Http2Flow::End() {
  if (headers_.reading()) EndBlock(false);
}

void Http2Flow::Adopt(const HandedTable& handed) {
  const hpack::Limits limits = context_.hpack_limits();
  auto table = hpack::DynamicTable::Restore(handed.table, limits.max_table_bytes);
  if (table) handed_.emplace(handed.read_to, handed.boundary, std::move(*table));
}

std::optional<HandedTable> Http2Flow::Export() const {
  if (lost_ || reader_.lost() || headers_.reading() || headers_.missed() || !started_)
    return std::nullopt;
  HandedTable out;
  out.read_to = read_to_;
  if (reader_.at_boundary()) {
    out.boundary = read_to_;
  } else if (next_frame_ > read_to_) {
    out.boundary = next_frame_;
  } else {
    return std::nullopt;
  }
  headers_.table().Serialize(out.table);
  return out;
}

// Another frame begins.
void Http2Flow::OnBoundary(std::uint64_t offset) {
  owner_.OnFrame();
  joined_ = true;
  lost_ = false;
  if (handed_ && offset >= handed_->boundary) {
    if (offset == handed_->boundary) headers_.Adopt(std::move(handed_->table));
    handed_.reset();
  }
}

void Http2Flow::Trust(std::uint64_t ts_ns) {
  if (std::exchange(trusted_, true)) return;
  regained_ns_ = ts_ns;
  if (const auto half = owner_.HalfOf(direction_)) {
    owner_.pairing_.SetLost(*half, false, regained_ns_);
  }
}

void Http2Flow::TrustIfOpen(std::uint32_t stream, std::uint64_t ts_ns) {
  if (!trusted_ && owner_.pairing_.follows(stream)) Trust(ts_ns);
}

Moment Http2Flow::MomentOf(const http2::Mark& begin) const {
  return {last_ts_ns_,
          direction_ == Direction::kWrite && begin.start_ns != 0 ? begin.start_ns : begin.ts_ns};
}

void Http2Flow::OnFrame(const Frame& frame) {
  OnBoundary(frame.begin.offset);
  TrustIfOpen(frame.header.stream, frame.begin.ts_ns);
  next_frame_ = frame.begin.offset + http2::kFrameHeaderBytes + frame.header.length;
  const bool continues = frame.header.type == FrameType::kContinuation &&
                         block_.stream == frame.header.stream && headers_.reading();
  if (headers_.reading() && !continues) EndBlock(false);
  switch (frame.header.type) {
    case FrameType::kHeaders:
    case FrameType::kPushPromise:
      BeginBlock(frame);
      break;
    case FrameType::kContinuation:
      if (!continues) headers_.Miss();  // of a block whose beginning was missed
      break;
    case FrameType::kData:
      if (const auto half = owner_.HalfOf(direction_)) {
        const bool padded = (frame.header.flags & http2::kPadded) != 0;
        owner_.pairing_.OnDataFrame(*half, frame.header.stream, padded ? 0 : frame.header.length);
      }
      break;
    default:
      break;
  }
}

void Http2Flow::BeginBlock(const Frame& frame) {
  pushed_ = frame.header.type == FrameType::kPushPromise;
  block_ = {};
  block_.stream = frame.header.stream;
  block_.end_stream = !pushed_ && (frame.header.flags & http2::kEndStream) != 0;
  block_.begin = frame.begin;
  headers_.Begin(context_.AcquireDraft());
}

void Http2Flow::EndBlock(bool whole) {
  HeaderDraft* draft = headers_.End(whole);
  const bool cut = headers_.block_bytes() > context_.limits.max_head_bytes || draft->full();
  if (cut) context_.ledger.HeaderListCut();
  if (pushed_) {
    context_.ledger.Pushed();
  } else {
    block_.end_ts_ns = last_ts_ns_;
    block_.draft = draft;
    owner_.OnBlock(*this, block_, headers_.invalid());
  }
  context_.ReleaseDraft(draft);
}

void Http2Flow::OnPayload(const Frame& frame, std::string_view bytes, std::uint64_t gap,
                          bool exact) {
  if (frame.header.type == FrameType::kData) {
    if (const auto half = owner_.HalfOf(direction_)) {
      owner_.pairing_.OnData(*half, frame.header.stream, bytes, gap, exact, MomentOf(frame.begin));
    }
  } else if (headers_.reading()) {
    headers_.Take(bytes, gap, context_.scratch);
  } else if (gap != 0 || !bytes.empty()) {
    headers_.Miss();
  }
}

void Http2Flow::OnFrameEnd(const Frame& frame, std::uint64_t) {
  if (frame.header.type == FrameType::kData) {
    if ((frame.header.flags & http2::kEndStream) == 0) return;
    if (const auto half = owner_.HalfOf(direction_)) {
      owner_.pairing_.OnEndStream(*half, frame.header.stream, MomentOf(frame.begin));
    }
  } else if (headers_.reading() && (frame.header.flags & http2::kEndHeaders) != 0) {
    EndBlock(true);
  }
}

void Http2Flow::OnControl(const Frame& frame, std::string_view payload, std::uint64_t) {
  OnBoundary(frame.begin.offset);
  TrustIfOpen(frame.header.stream, frame.begin.ts_ns);
  next_frame_ = frame.begin.offset + http2::kFrameHeaderBytes + frame.header.length;
  if (headers_.reading()) EndBlock(false);
  if (frame.header.type == FrameType::kSettings) return OnSettings(payload);
  const auto half = owner_.HalfOf(direction_);
  if (!half) return;
  const Moment moment = MomentOf(frame.begin);
  switch (frame.header.type) {
    case FrameType::kRstStream:
      if (payload.size() >= 4) {
        owner_.pairing_.OnReset(*half, frame.header.stream, Number(payload.substr(0, 4)), moment);
      }
      break;
    case FrameType::kGoaway:
      // The client's is about pushed streams.
      if (*half == Half::kResponse && payload.size() >= 8) {
        owner_.pairing_.OnGoaway(Number(payload.substr(0, 4)) & 0x7fffffff,
                                 Number(payload.substr(4, 4)), moment);
      }
      break;
    case FrameType::kWindowUpdate:
      if (frame.header.stream != 0) owner_.pairing_.OnAlive(*half, frame.header.stream);
      break;
    default:
      break;
  }
}

void Http2Flow::OnSettings(std::string_view payload) {
  constexpr std::size_t kEntry = 6;  // 2 of name, 4 of value
  for (; payload.size() >= kEntry; payload.remove_prefix(kEntry)) {
    if (Number(payload.substr(0, 2)) == kHeaderTableSize) {
      owner_.AllowTable(*this, Number(payload.substr(2, 4)));
    }
  }
}

void Http2Flow::OnRun(const protocol::FrameRun& run, const Piece& piece) {
  OnBoundary(piece.offset);
  TrustIfOpen(run.stream, piece.ts_ns);
  next_frame_ = piece.end;
  if (headers_.reading()) EndBlock(false);
  if (run.stream == 0) return;  // of no stream
  const auto half = owner_.HalfOf(direction_);
  if (!half) return;
  const http2::Mark begin{piece.offset, piece.ts_ns, piece.start_ns,
                          piece.pid,    piece.tid,   piece.wire_exact};
  owner_.pairing_.OnDataFrame(*half, run.stream, 0);
  owner_.pairing_.OnData(*half, run.stream, {}, run.payload, true, MomentOf(begin));
}

void Http2Flow::OnLost(std::uint64_t unseen) {
  owner_.OnUnseen(pid_, unseen);
  headers_.Miss();
  if (std::exchange(lost_, true)) return;
  trusted_ = false;
  if (headers_.reading()) EndBlock(false);
  owner_.OnLost(*this, last_ts_ns_);
}

}  // namespace wirespan::connection
