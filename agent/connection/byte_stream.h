#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/protocol/piece.h"

namespace wirespan::connection {

// One direction of a connection as contiguous pieces. Pieces that come too early, or that their
// reader can't take yet, are kept as copies in order of offset; what was there already is cut off.
// The owner bounds what is held.
class ByteStream {
 public:
  enum class Fit : std::uint8_t { kReady, kEarly, kDuplicate };

  bool started() const { return started_; }
  // The stream's first byte was seen to be its first: what can't be a head there never will.
  bool exact_start() const { return exact_start_; }
  void Start(std::uint64_t offset, bool exact);
  void LoseStart() { exact_start_ = false; }

  // Offset of the next byte for the reader.
  std::uint64_t next() const { return next_; }
  void Advance(std::uint64_t offset) { next_ = offset; }

  // Cuts off what lies before next().
  Fit Align(protocol::Piece& piece) const;

  // Copies. Keeps the order; pieces with equal offsets stay in order of arrival.
  void Hold(const protocol::Piece& piece, std::uint64_t now_ns);
  bool holding() const { return !held_.empty(); }
  std::size_t held_pieces() const { return held_.size(); }
  // Those that were events; the others are gaps that were concluded (no time).
  std::size_t held_events() const { return held_events_; }
  std::size_t held_bytes() const { return held_bytes_; }
  // Bytes before the first held piece are missing.
  bool in_hole() const { return holding() && held_.front().meta.offset > next_; }
  // When the first held piece was; call only if holding().
  std::uint64_t front_ts_ns() const { return held_.front().meta.ts_ns; }
  std::uint64_t first_ts_ns() const { return holding() ? front_ts_ns() : 0; }
  // Since when it waits.
  std::uint64_t front_held_ns() const { return held_.front().held_ns; }
  // The first held piece, cut to begin at next(); call only if holding() and not in_hole(). Empty:
  // a duplicate.
  protocol::Piece Front() const;
  void PopFront();
  // The missing bytes before the first held piece, as a gap.
  protocol::Piece Hole() const;
  // Joins the captured bytes from next() on into `out`, up to the first gap (true) or the end of
  // what is held.
  bool Gather(std::string& out, std::size_t max_bytes) const;
  // Lets go of everything contiguous from next() on.
  void DropContiguous();
  void Clear();

 private:
  struct Held {
    protocol::Piece meta{};  // its bytes are not set
    std::string text{};
    std::uint64_t held_ns = 0;
  };
  static protocol::Piece View(const Held& held);

  std::uint64_t next_ = 0;
  std::vector<Held> held_{};
  std::size_t held_bytes_ = 0;
  std::size_t held_events_ = 0;
  bool started_ = false;
  bool exact_start_ = false;
};

}  // namespace wirespan::connection
