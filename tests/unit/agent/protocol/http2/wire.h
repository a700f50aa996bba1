#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocol/http2/frame_reader.h"

// HTTP/2 as octets, and what a reader tells of them.
namespace wirespan::http2::testing {

// One frame's octets. `payload` is all of it, with padding and fields.
std::string Octets(const FrameHeader& header, std::string_view payload);
// Its length is the payload's.
std::string Octets(FrameType type, std::uint8_t flags, std::uint32_t stream,
                   std::string_view payload = {});

// What was told of a frame.
struct Told {
  FrameHeader header{};
  std::uint64_t offset = 0;
  std::string contents{};  // unseen octets are '?'
  std::string seen{};      // of each: 'y' or 'n'
  bool exact = true;
  bool ended = false;
  std::uint64_t begin_ts_ns = 0;
  std::uint64_t end_ts_ns = 0;
  friend bool operator==(const Told& a, const Told& b) {
    return a.header == b.header && a.offset == b.offset && a.contents == b.contents &&
           a.seen == b.seen && a.exact == b.exact && a.ended == b.ended;
  }
};

// Checks the order of calls by itself.
class Listener final : public FrameSink {
 public:
  void OnFrame(const Frame& frame) override;
  void OnPayload(const Frame& frame, std::string_view bytes, std::uint64_t gap,
                 bool exact) override;
  void OnFrameEnd(const Frame& frame, std::uint64_t ts_ns) override;
  void OnControl(const Frame& frame, std::string_view payload, std::uint64_t ts_ns) override;
  void OnRun(const protocol::FrameRun& run, const protocol::Piece& piece) override;
  void OnLost(std::uint64_t unseen) override;

  std::vector<Told> frames{};
  std::vector<protocol::FrameRun> runs{};
  std::uint64_t lost = 0;
  int losses = 0;
  bool orderly = true;

 private:
  bool open_ = false;
};

// A stretch of `stream` from `offset` on: `seen` octets and a gap up to `end`.
protocol::Piece PieceOf(std::string_view stream, std::size_t offset, std::size_t end,
                        std::size_t seen);

}  // namespace wirespan::http2::testing
