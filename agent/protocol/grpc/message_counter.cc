#include "agent/protocol/grpc/message_counter.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace wirespan::grpc {
namespace {

constexpr std::uint8_t kPrefixBytes = 5;

}  // namespace

void MessageCounter::OnBytes(std::string_view bytes) {
  if (lost_) {
    const std::uint32_t frame = std::exchange(frame_bytes_, 0);
    if (frame < kPrefixBytes || bytes.size() < kPrefixBytes) return;
    std::uint32_t length = 0;
    for (std::size_t i = 1; i < kPrefixBytes; ++i) {
      length = length << 8 | static_cast<unsigned char>(bytes[i]);
    }
    if (static_cast<unsigned char>(bytes[0]) > 1 || length != frame - kPrefixBytes) return;
    lost_ = false;
  }
  frame_bytes_ = 0;
  while (!bytes.empty()) {
    if (left_ != 0) {
      const std::size_t n = std::min<std::size_t>(left_, bytes.size());
      left_ -= static_cast<std::uint32_t>(n);
      bytes.remove_prefix(n);
      continue;
    }
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (prefix_ == 0) {
      length_ = 0;
      odd_ = odd_ || byte > 1;
    } else {
      length_ = length_ << 8 | byte;
    }
    if (++prefix_ < kPrefixBytes) continue;
    prefix_ = 0;
    left_ = length_;
    ++messages_;
    bytes_ += length_;
  }
}

void MessageCounter::OnGap(std::uint64_t n) {
  frame_bytes_ = 0;
  if (lost_ || n == 0) return;
  if (prefix_ == 0 && n <= left_) {
    left_ -= static_cast<std::uint32_t>(n);
    return;
  }
  Lose();
}

void MessageCounter::Lose() {
  lost_ = true;
  exact_ = false;
  prefix_ = 0;
  left_ = 0;
}

}  // namespace wirespan::grpc
