#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wirespan::http1 {

// The chunked coding (RFC 9112, 7.1) over bytes and gaps; counts payload octets. Pure state, no
// buffer.
//
//   kSize --hex--> kSize --;--> kExtension --LF--> kData (size > 0) --> kDataEnd --LF--> kSize
//   kSize/kExtension --LF, size 0--> kTrailerStart --empty line--> kDone
//   kTrailerStart --other--> kTrailerLine --LF--> kTrailerStart
class ChunkedDecoder {
 public:
  // Takes bytes up to the end of the body; returns how many. Fewer than all: done() or invalid().
  std::size_t OnBytes(std::string_view bytes);
  // n bytes passed unseen. Returns how many of them lie inside chunk data and its line end, which
  // is taken to be CR LF as the capture takes it; fewer than n: the framing is lost.
  std::uint64_t OnGap(std::uint64_t n);

  bool done() const { return state_ == State::kDone; }
  bool invalid() const { return state_ == State::kInvalid; }
  std::uint64_t payload() const { return payload_; }

 private:
  enum class State : std::uint8_t {
    kSize,
    kExtension,
    kData,
    kDataEnd,
    kTrailerStart,
    kTrailerLine,
    kDone,
    kInvalid
  };
  void EndOfSizeLine();
  void BeginSizeLine();

  static constexpr std::uint32_t kMaxLine = 16u << 10;      // size line with extensions
  static constexpr std::uint32_t kMaxTrailers = 64u << 10;  // all trailer fields

  State state_ = State::kSize;
  std::uint8_t digits_ = 0;
  std::uint8_t line_end_ = 0;  // kDataEnd: bytes of CR LF that have passed
  std::uint32_t line_ = 0;     // bytes of the current size line, or of the trailers
  std::uint64_t remaining_ =
      0;  // of the current chunk; while in kSize, what has been read of its size
  std::uint64_t payload_ = 0;
};

}  // namespace wirespan::http1
