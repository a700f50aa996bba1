#include "tests/unit/agent/protocol/http2/wire.h"

#include <algorithm>

namespace wirespan::http2::testing {
namespace {

void Append(std::string& out, std::uint32_t number, int octets) {
  while (octets-- > 0) out += static_cast<char>(number >> (8 * octets));
}

}  // namespace

std::string Octets(const FrameHeader& header, std::string_view payload) {
  std::string out;
  Append(out, header.length, 3);
  Append(out, static_cast<std::uint32_t>(header.type), 1);
  Append(out, header.flags, 1);
  Append(out, header.stream, 4);
  return out.append(payload);
}

std::string Octets(FrameType type, std::uint8_t flags, std::uint32_t stream,
                   std::string_view payload) {
  return Octets({static_cast<std::uint32_t>(payload.size()), type, flags, stream}, payload);
}

void Listener::OnFrame(const Frame& frame) {
  orderly = orderly && !open_;
  open_ = true;
  Told told;
  told.header = frame.header;
  told.offset = frame.begin.offset;
  told.begin_ts_ns = frame.begin.ts_ns;
  frames.push_back(std::move(told));
}

void Listener::OnPayload(const Frame& frame, std::string_view bytes, std::uint64_t gap,
                         bool exact) {
  orderly = orderly && open_ && frame.header == frames.back().header && bytes.size() + gap != 0 &&
            frames.back().contents.size() + bytes.size() + gap <= frame.header.length;
  if (!orderly) return;
  Told& told = frames.back();
  told.contents.append(bytes).append(gap, '?');
  told.seen.append(bytes.size(), 'y').append(gap, 'n');
  told.exact = exact;
}

void Listener::OnFrameEnd(const Frame& frame, std::uint64_t ts_ns) {
  orderly = orderly && open_ && frame.header == frames.back().header;
  open_ = false;
  if (!orderly) return;
  frames.back().ended = true;
  frames.back().end_ts_ns = ts_ns;
}

void Listener::OnControl(const Frame& frame, std::string_view payload, std::uint64_t ts_ns) {
  OnFrame(frame);
  if (!payload.empty()) OnPayload(frame, payload, 0, true);
  OnFrameEnd(frame, ts_ns);
}

void Listener::OnRun(const protocol::FrameRun& run, const protocol::Piece&) {
  orderly = orderly && !open_;
  runs.push_back(run);
}

void Listener::OnLost(std::uint64_t unseen) {
  open_ = false;
  lost += unseen;
  ++losses;
}

protocol::Piece PieceOf(std::string_view stream, std::size_t offset, std::size_t end,
                        std::size_t seen) {
  protocol::Piece piece;
  piece.offset = offset;
  piece.end = end;
  piece.bytes = stream.substr(offset, std::min(seen, end - offset));
  piece.ts_ns = offset + 1000;
  return piece;
}

}  // namespace wirespan::http2::testing
