#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

  void Append(const Bytes& other);
  std::size_t size() const { return size_; }
  const std::vector<Piece>& pieces() const { return pieces_; }

  // The bytes in one piece: `storage` is filled only if there are several.
  std::string_view Contiguous(std::string& storage) const;
  std::string ToString() const;

 private:
  std::vector<Piece> pieces_{};
  std::size_t size_ = 0;
};

}  // namespace wirespan::gateway
