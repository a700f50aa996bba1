#include "agent/kernel/http2_mask.h"

#include <algorithm>
#include <string_view>

namespace wirespan::kernel {
namespace {

constexpr std::string_view kPrefaceBegin = "PRI ";
constexpr std::size_t kPrefaceBytes = 24;

// RFC 9113, 6.
constexpr unsigned char kHeaders = 1;
constexpr unsigned char kPushPromise = 5;
constexpr unsigned char kContinuation = 9;
constexpr unsigned char kPadded = 8;
constexpr unsigned char kPriority = 32;

}  // namespace

void Http2Mask::Apply(const connection::DataEvent& data, std::string& captured) {
  if (data.offset < at_) {
    // Told out of order: where its frames lie is not known.
    std::fill(captured.begin(), captured.end(), 'x');
    return;
  }
  if (const std::uint64_t missed = data.offset - at_; missed > 0) Miss(missed);
  if (data.frame_start && !(synced_ && have_ == 0 && left_ == 0)) {
    if (began_) hpack_.Lose();
    synced_ = true;
    have_ = 0;
    left_ = 0;
  }
  began_ = true;
  at_ = data.run.frames > 0 ? data.end_offset : data.offset + captured.size();
  std::span<char> bytes(captured);
  if (data.frame_start && captured.starts_with(kPrefaceBegin)) {
    left_ = kPrefaceBytes;
    is_block_ = false;
  }
  while (!bytes.empty()) bytes = bytes.subspan(Take(bytes));
}

// Octets passed that are not here: arithmetic inside a payload.
void Http2Mask::Miss(std::uint64_t n) {
  if (synced_ && have_ == 0 && n <= left_) {
    left_ -= n;
    if (is_block_) hpack_.Lose();
    return;
  }
  synced_ = false;
  hpack_.Lose();
}

std::size_t Http2Mask::Take(std::span<char> bytes) {
  if (!synced_) {
    std::fill(bytes.begin(), bytes.end(), 'x');
    return bytes.size();
  }
  if (left_ > 0) return TakePayload(bytes);
  header_[have_++] = static_cast<unsigned char>(bytes.front());
  if (have_ == header_.size()) BeginFrame();
  return 1;
}

void Http2Mask::BeginFrame() {
  have_ = 0;
  left_ = static_cast<std::uint64_t>(header_[0]) << 16 |
          static_cast<std::uint64_t>(header_[1]) << 8 | header_[2];
  const unsigned char type = header_[3];
  const unsigned char flags = header_[4];
  is_block_ = type == kHeaders || type == kPushPromise || type == kContinuation;
  padding_ = 0;
  padded_ = false;
  lead_ = 0;
  if (!is_block_ || type == kContinuation) return;
  hpack_.BeginBlock();
  padded_ = (flags & kPadded) != 0;
  if (padded_) lead_ += 1;
  if (type == kPushPromise) lead_ += 4;
  if (type == kHeaders && (flags & kPriority) != 0) lead_ += 5;
}

std::size_t Http2Mask::TakePayload(std::span<char> bytes) {
  if (is_block_ && lead_ > 0) {
    if (padded_) padding_ = static_cast<unsigned char>(bytes.front());
    padded_ = false;
    --lead_;
    --left_;
    return 1;
  }
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (is_block_ && left_ > padding_) {
    const auto block = static_cast<std::size_t>(std::min<std::uint64_t>(n, left_ - padding_));
    hpack_.Apply(bytes.first(block));
    left_ -= block;
    return block;
  }
  left_ -= n;
  return n;
}

}  // namespace wirespan::kernel
