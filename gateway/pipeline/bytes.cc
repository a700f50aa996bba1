#include "gateway/pipeline/bytes.h"

#include <utility>

namespace wirespan::gateway {

Bytes::Bytes(std::string text) {
  if (text.empty()) return;
  auto owner = std::make_shared<const std::string>(std::move(text));
  const std::string_view view = *owner;
  size_ = view.size();
  pieces_.push_back({std::move(owner), view});
}

Bytes::Bytes(std::shared_ptr<const void> owner, std::string_view view) {
  if (view.empty()) return;
  size_ = view.size();
  pieces_.push_back({std::move(owner), view});
}

void Bytes::Append(const Bytes& other) {
  if (pieces_.empty()) {
    *this = other;
    return;
  }
  if (other.pieces_.empty()) return;
  received_ = {};
  pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end());
  size_ += other.size_;
}

std::string_view Bytes::Contiguous(std::string& storage) const {
  if (pieces_.empty()) return {};
  if (pieces_.size() == 1) return pieces_.front().view;
  storage = ToString();
  return storage;
}

std::string Bytes::ToString() const {
  std::string text;
  text.reserve(size_);
  for (const Piece& piece : pieces_) text.append(piece.view);
  return text;
}

}  // namespace wirespan::gateway
