#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wirespan::protocol {

// A stretch of one direction of a byte stream: `bytes` at [offset, offset + bytes.size()), then a
// gap (bytes that passed and that nobody captured) up to `end`. Either part may be empty. Bytes are
// the caller's, for the call only.
//
// HTTP/2: the kernel follows the frames and does not copy payload. `frame_start`: it takes the
// first byte for that of a frame header. `run`: nothing was captured, and all of the piece is so
// many whole DATA frames of one stream, without padding and END_STREAM; or, as stream 0, whole
// WINDOW_UPDATE frames of any.
struct FrameRun {
  std::uint32_t stream = 0;
  std::uint32_t frames = 0;  // 0: no run
  std::uint64_t payload = 0;
};

// HTTP/2, as the kernel counted: what the header blocks before a piece added to their table (modulo
// 2^32, from some point on), and a number that moves with each block that it could not count.
struct HeaderCount {
  std::uint32_t added = 0;
  std::uint32_t uncounted = 0;
  bool operator==(const HeaderCount&) const = default;
};

struct Piece {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::string_view bytes{};
  std::uint64_t ts_ns = 0;      // 0: unknown (a gap that was only concluded)
  std::uint64_t before_ns = 0;  // of such a gap: its bytes passed by then; 0: unknown
  std::uint64_t start_ns = 0;   // entry of the call, 0: unknown
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  bool wire_exact = false;
  bool frame_start = false;
  FrameRun run{};
  std::optional<HeaderCount> header_count{};
  bool whole = true;  // nothing was consumed of it yet: it starts where a system call's bytes start

  std::uint64_t size() const { return end - offset; }
  std::uint64_t gap() const { return size() - bytes.size(); }
  bool empty() const { return offset == end; }

  // Drops the first n <= size() bytes.
  void Skip(std::uint64_t n) {
    if (n == 0) return;
    offset += n;
    bytes.remove_prefix(n < bytes.size() ? static_cast<std::size_t>(n) : bytes.size());
    whole = false;
    frame_start = false;
    run = {};
    header_count.reset();
  }
};

}  // namespace wirespan::protocol
