#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "agent/connection/event.h"
#include "agent/kernel/hpack_mask.h"

namespace wirespan::kernel {

// HpackMask for one direction of an HTTP/2 connection: finds the header blocks in what was
// captured. It follows frames from the places that the kernel marks (DataEvent::frame_start) and as
// far as they lead; captured bytes whose frame it does not know are masked as a whole. Payload of
// DATA is left as it is.
class Http2Mask {
 public:
  // `captured` is a copy of data.captured.
  void Apply(const connection::DataEvent& data, std::string& captured);

 private:
  void Miss(std::uint64_t n);
  // Each takes some of `bytes`, at least one, and says how many.
  std::size_t Take(std::span<char> bytes);
  std::size_t TakePayload(std::span<char> bytes);
  void BeginFrame();

  HpackMask hpack_{};
  std::uint64_t at_ = 0;  // offset of the next byte
  bool began_ = false;
  bool synced_ = false;  // at_ lies in the frame that the fields below describe
  std::array<unsigned char, 9> header_{};
  std::size_t have_ = 0;       // octets of it
  std::uint64_t left_ = 0;     // of the frame's payload
  bool is_block_ = false;      // the payload is (part of) a header block
  bool padded_ = false;        // the first octet of `lead_` is the pad length
  std::uint32_t lead_ = 0;     // octets before the block: pad length, promised stream, priority
  std::uint32_t padding_ = 0;  // octets behind it
};

}  // namespace wirespan::kernel
