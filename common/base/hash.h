#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wirespan {

// XXH3, 64 and 128 bits, seed 0. The canonical form of XXH3's documentation: big-endian bytes, high
// half first.
std::uint64_t Hash64(std::string_view bytes);

struct Hash128Value {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128Value&, const Hash128Value&) = default;
};
Hash128Value Hash128(std::string_view bytes);

// The same as Hash64 of all pieces joined, without joining them.
std::uint64_t Hash64(std::span<const std::string_view> pieces);

// For hash tables keyed by strings, with find() by string_view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return Hash64(text); }
};

}  // namespace wirespan
