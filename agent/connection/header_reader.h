#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/connection/header_draft.h"
#include "agent/protocol/hpack/decoder.h"
#include "agent/protocol/piece.h"

namespace wirespan::connection {

// The header blocks of one direction of an HTTP/2 connection: octets and gaps in, what exchanges
// need of the fields out. What can't be read makes holes in what comes after it, never something
// wrong (hpack::Decoder).
//
// Memory: a representation that is cut into pieces (at most max_field_bytes of the limits).
class HeaderReader {
 public:
  HeaderReader(hpack::Limits limits, bool from_start, std::size_t max_block_bytes)
      : decoder_(limits, from_start), max_block_bytes_(max_block_bytes) {}

  // `draft` takes the block's fields until End.
  void Begin(HeaderDraft* draft);
  // The next octets of the block, then `gap` octets that nobody captured.
  void Take(std::string_view bytes, std::uint64_t gap, hpack::Scratch& scratch);
  // The block is over; `whole`: to its last octet. Nothing: no block was under way.
  HeaderDraft* End(bool whole);

  bool reading() const { return draft_ != nullptr; }
  // Octets of the block under way.
  std::uint64_t block_bytes() const { return block_bytes_; }
  // The block under way is no HPACK.
  bool invalid() const { return invalid_; }

  // Blocks may have been missed. What the table held is known again if the next piece says how much
  // they added, and lost if a block begins before that.
  void Miss() { missed_ = true; }
  bool missed() const { return missed_; }
  // Around what is taken of one piece, and only where it says how much was added before it.
  void BeginPiece(const protocol::HeaderCount& before);
  void EndPiece(const protocol::HeaderCount& before);
  // The same of a piece that does not say.
  void EndPieceUncounted();
  void AllowTable(std::size_t bytes) { decoder_.AllowTable(bytes); }
  const hpack::DynamicTable& table() const { return decoder_.table(); }
  // Between blocks, before the first one of a piece.
  void Adopt(hpack::DynamicTable table);

 private:
  void Break();

  hpack::Decoder decoder_;
  std::size_t max_block_bytes_;
  HeaderDraft* draft_ = nullptr;
  std::string carry_{};  // the start of a representation
  std::uint64_t block_bytes_ = 0;
  bool broken_ = false;  // the rest of the block can't be read
  bool invalid_ = false;

  bool missed_ = false;
  // What a piece should say that follows at once; nothing where that can't be told.
  std::optional<protocol::HeaderCount> expected_{};
  std::uint64_t added_before_ = 0;  // decoder_'s count when the piece began
  bool block_in_piece_ = false;     // any part of one
  bool block_cut_ = false;          // one that lies in another piece too
};

}  // namespace wirespan::connection
