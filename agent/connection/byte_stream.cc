#include "agent/connection/byte_stream.h"

#include <algorithm>

namespace wirespan::connection {

using protocol::Piece;

namespace {
bool IsEvent(const Piece& piece) { return piece.ts_ns != 0; }
}  // namespace

void ByteStream::Start(std::uint64_t offset, bool exact) {
  next_ = offset;
  started_ = true;
  exact_start_ = exact;
}

ByteStream::Fit ByteStream::Align(Piece& piece) const {
  if (piece.end <= next_) return Fit::kDuplicate;
  if (piece.offset > next_) return Fit::kEarly;
  piece.Skip(next_ - piece.offset);
  return Fit::kReady;
}

void ByteStream::Hold(const Piece& piece, std::uint64_t now_ns) {
  const auto place = std::upper_bound(
      held_.begin(), held_.end(), piece.offset,
      [](std::uint64_t offset, const Held& held) { return offset < held.meta.offset; });
  const auto at = held_.insert(place, Held{piece, std::string(piece.bytes), now_ns});
  at->meta.bytes = {};
  held_bytes_ += piece.bytes.size();
  held_events_ += IsEvent(piece);
}

Piece ByteStream::View(const Held& held) {
  Piece piece = held.meta;
  piece.bytes = held.text;
  return piece;
}

Piece ByteStream::Front() const {
  Piece piece = View(held_.front());
  if (piece.end <= next_) {
    piece.Skip(piece.size());
  } else if (piece.offset < next_) {
    piece.Skip(next_ - piece.offset);
  }
  return piece;
}

void ByteStream::PopFront() {
  held_bytes_ -= held_.front().text.size();
  held_events_ -= IsEvent(held_.front().meta);
  held_.erase(held_.begin());
}

Piece ByteStream::Hole() const {
  Piece piece;
  piece.offset = next_;
  piece.end = held_.front().meta.offset;
  piece.before_ns = front_ts_ns();
  return piece;
}

bool ByteStream::Gather(std::string& out, std::size_t max_bytes) const {
  std::uint64_t at = next_;
  for (const Held& held : held_) {
    Piece piece = View(held);
    if (piece.end <= at) continue;
    if (piece.offset > at || out.size() >= max_bytes) return false;
    piece.Skip(at - piece.offset);
    out.append(piece.bytes.substr(0, max_bytes - out.size()));
    if (piece.gap() != 0) return true;
    at = piece.end;
  }
  return false;
}

void ByteStream::DropContiguous() {
  while (holding() && !in_hole()) {
    next_ = std::max(next_, held_.front().meta.end);
    PopFront();
  }
}

void ByteStream::Clear() {
  held_.clear();
  held_.shrink_to_fit();
  held_bytes_ = 0;
  held_events_ = 0;
}

}  // namespace wirespan::connection
