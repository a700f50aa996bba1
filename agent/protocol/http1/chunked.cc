#include "agent/protocol/http1/chunked.h"

#include <algorithm>

namespace wirespan::http1 {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkedDecoder::EndOfSizeLine() {
  line_ = 0;
  state_ = digits_ == 0 ? State::kInvalid : remaining_ == 0 ? State::kTrailerStart : State::kData;
}

void ChunkedDecoder::BeginSizeLine() {
  state_ = State::kSize;
  digits_ = 0;
  line_end_ = 0;
}

std::size_t ChunkedDecoder::OnBytes(std::string_view bytes) {
  std::size_t pos = 0;
  while (pos < bytes.size()) {
    const char c = bytes[pos];
    switch (state_) {
      case State::kSize:
        if (++line_ > kMaxLine) {
          state_ = State::kInvalid;
        } else if (const int digit = HexDigit(c); digit >= 0) {
          if (remaining_ >> 60 != 0) {
            state_ = State::kInvalid;
          } else {
            remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
            digits_ = 1;
          }
        } else if (c == '\n') {
          EndOfSizeLine();
        } else if (digits_ != 0 && (c == ';' || c == ' ' || c == '\t')) {
          state_ = State::kExtension;
        } else if (c != '\r' || digits_ == 0) {
          state_ = State::kInvalid;
        }
        ++pos;
        break;
      case State::kExtension:
        if (++line_ > kMaxLine) state_ = State::kInvalid;
        if (c == '\n') EndOfSizeLine();
        ++pos;
        break;
      case State::kData: {
        const std::uint64_t n = std::min<std::uint64_t>(remaining_, bytes.size() - pos);
        payload_ += n;
        remaining_ -= n;
        pos += static_cast<std::size_t>(n);
        if (remaining_ == 0) state_ = State::kDataEnd;
        break;
      }
      case State::kDataEnd:
        if (c == '\n') {
          BeginSizeLine();
        } else if (c != '\r') {
          state_ = State::kInvalid;
        } else {
          line_end_ = 1;
        }
        ++pos;
        break;
      case State::kTrailerStart:
        ++pos;
        if (c == '\n') {
          state_ = State::kDone;
        } else if (c != '\r') {
          state_ = State::kTrailerLine;
        }
        break;
      case State::kTrailerLine:
        if (++line_ > kMaxTrailers) state_ = State::kInvalid;
        if (c == '\n') state_ = State::kTrailerStart;
        ++pos;
        break;
      case State::kDone:
      case State::kInvalid:
        return pos;
    }
  }
  return pos;
}

std::uint64_t ChunkedDecoder::OnGap(std::uint64_t n) {
  std::uint64_t inside = 0;
  if (state_ == State::kData) {
    inside = std::min(n, remaining_);
    payload_ += inside;
    remaining_ -= inside;
    if (remaining_ == 0) state_ = State::kDataEnd;
  }
  while (state_ == State::kDataEnd && inside < n) {
    ++inside;
    if (++line_end_ == 2) BeginSizeLine();
  }
  return inside;
}

}  // namespace wirespan::http1
