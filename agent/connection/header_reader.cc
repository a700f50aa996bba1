#include "agent/connection/header_reader.h"

#include <utility>

namespace wirespan::connection {

using protocol::ParseStatus;

// The kernel counts blocks that lie in one piece. So this count and its own go apart only where
// `uncounted` moves, or where a block is cut; from the next piece on they agree again.
void HeaderReader::BeginPiece(const protocol::HeaderCount& before) {
  added_before_ = decoder_.table().added();
  if (!std::exchange(missed_, false)) return;
  if (expected_ && expected_->uncounted == before.uncounted && !reading()) {
    decoder_.Miss(before.added - expected_->added);
  } else {
    decoder_.Lose();
  }
  added_before_ = decoder_.table().added();
}

void HeaderReader::EndPiece(const protocol::HeaderCount& before) {
  const auto added = static_cast<std::uint32_t>(decoder_.table().added() - added_before_);
  expected_ = {before.added + added, before.uncounted};
  if (std::exchange(block_cut_, reading()) || reading()) expected_.reset();
  block_in_piece_ = false;
}

void HeaderReader::EndPieceUncounted() {
  if (std::exchange(block_in_piece_, false)) expected_.reset();
  block_cut_ = reading();
}

void HeaderReader::Begin(HeaderDraft* draft) {
  if (std::exchange(missed_, false)) decoder_.Lose();
  block_in_piece_ = true;
  draft_ = draft;
  draft_->Begin(max_block_bytes_);
  carry_.clear();
  block_bytes_ = 0;
  broken_ = invalid_ = false;
  decoder_.BeginBlock();
}

void HeaderReader::Break() {
  broken_ = true;
  carry_.clear();
  draft_->Cut();
  Miss();
}

void HeaderReader::Take(std::string_view bytes, std::uint64_t gap, hpack::Scratch& scratch) {
  block_in_piece_ = true;
  block_bytes_ += bytes.size() + gap;
  // What is beyond is still decoded, because it changes the table.
  if (block_bytes_ > max_block_bytes_) draft_->Cut();
  if (broken_) return;
  if (!bytes.empty()) {
    if (!carry_.empty()) {
      carry_ += bytes;
      bytes = carry_;
    }
    const hpack::Decoder::Result result = decoder_.Decode(bytes, scratch, *draft_);
    if (result.status == ParseStatus::kInvalid) {
      invalid_ = true;
      decoder_.Lose();
      return Break();
    }
    if (!carry_.empty()) {
      carry_.erase(0, result.consumed);
    } else if (result.consumed < bytes.size()) {
      carry_ = bytes.substr(result.consumed);
    }
  }
  if (gap != 0) Break();
}

void HeaderReader::Adopt(hpack::DynamicTable table) {
  decoder_.Adopt(std::move(table));
  added_before_ = decoder_.table().added();  // it has counted from its own beginning
}

HeaderDraft* HeaderReader::End(bool whole) {
  if (draft_ == nullptr) return nullptr;
  if (!broken_ && (!whole || !carry_.empty())) Break();
  carry_.clear();
  if (carry_.capacity() > 4096) carry_.shrink_to_fit();
  return std::exchange(draft_, nullptr);
}

}  // namespace wirespan::connection
