#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/otlp/compress.h"

namespace wirespan::gateway {

// Immutable bytes in pieces that share their memory: copying a Bytes copies pointers, and joining
// two joins their lists. The content of a protobuf message joined from several is the concatenation
// of theirs (repeated fields concatenate), so a batch of many requests is never copied together
// before the socket needs it.
class Bytes {
 public:
  struct Piece {
    std::shared_ptr<const void> owner{};  // keeps `view` alive
    std::string_view view{};
  };

  Bytes() = default;
  explicit Bytes(std::string text);
  Bytes(std::shared_ptr<const void> owner, std::string_view view);

  // The same bytes as their sender had compressed them, for an exporter that would compress them
  // alike. They belong to these bytes as they are: what is joined or made anew has none.
  struct AsReceived {
    otlp::Encoding encoding = otlp::Encoding::kIdentity;
    Piece piece{};
  };
  void SetReceived(otlp::Encoding encoding, std::shared_ptr<const void> owner,
                   std::string_view compressed) {
    received_ = {encoding, {std::move(owner), compressed}};
  }
  const AsReceived& received() const { return received_; }
  // Keeps what they were received as alone, to spare the memory of the plain ones.
  void DropPlain() {
    pieces_.clear();
    size_ = 0;
  }
  // Null: they came in another encoding, or not in one piece.
  const Piece* ReceivedIn(otlp::Encoding encoding) const {
    const bool has = encoding != otlp::Encoding::kIdentity && received_.encoding == encoding;
    return has ? &received_.piece : nullptr;
  }

  void Append(const Bytes& other);
  std::size_t size() const { return size_; }
  const std::vector<Piece>& pieces() const { return pieces_; }

  // The bytes in one piece: `storage` is filled only if there are several.
  std::string_view Contiguous(std::string& storage) const;
  std::string ToString() const;

 private:
  std::vector<Piece> pieces_{};
  std::size_t size_ = 0;
  AsReceived received_{};  // kIdentity: none
};

}  // namespace wirespan::gateway
