#include "agent/connection/header_reader.h"

#include <utility>

namespace wirespan::connection {

using protocol::ParseStatus;

void HeaderReader::Begin(HeaderDraft* draft) {
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
  decoder_.Lose();
}

void HeaderReader::Take(std::string_view bytes, std::uint64_t gap, hpack::Scratch& scratch) {
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

HeaderDraft* HeaderReader::End(bool whole) {
  if (draft_ == nullptr) return nullptr;
  if (!broken_ && (!whole || !carry_.empty())) Break();
  carry_.clear();
  if (carry_.capacity() > 4096) carry_.shrink_to_fit();
  return std::exchange(draft_, nullptr);
}

}  // namespace wirespan::connection
