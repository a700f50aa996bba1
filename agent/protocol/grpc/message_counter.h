#pragma once

#include <cstdint>
#include <string_view>

namespace wirespan::grpc {

// Counts the messages of one direction of a stream: each is a flag byte, a length of four and that
// many bytes, without regard to DATA frames. Bytes and gaps in; no buffer.
class MessageCounter {
 public:
  // A DATA frame with so much payload begins: where the boundary is lost, it is found again if the
  // frame is exactly one message.
  void BeginFrame(std::uint32_t frame_bytes) { frame_bytes_ = frame_bytes; }
  void OnBytes(std::string_view bytes);
  // n bytes passed unseen. Inside a message that's arithmetic; else the boundary is lost.
  void OnGap(std::uint64_t n);
  // Frames were missed altogether.
  void Lose();

  // Messages whose length was read; a lower bound if not exact().
  std::uint64_t messages() const { return messages_; }
  // Bytes of their contents, as on the wire (perhaps compressed).
  std::uint64_t bytes() const { return bytes_; }
  bool exact() const { return exact_; }
  // All that came are whole messages, one at least, and nothing beside: 40 bits a message that
  // would have to fit by accident, were they something else.
  bool whole() const { return exact_ && messages_ != 0 && !inside() && !odd_; }
  // A message has not ended.
  bool inside() const { return prefix_ != 0 || left_ != 0; }

 private:
  std::uint8_t prefix_ = 0;  // bytes of it that came
  bool lost_ = false;
  bool exact_ = true;
  bool odd_ = false;  // a flag that gRPC does not have
  std::uint32_t length_ = 0;
  std::uint32_t left_ = 0;  // of the message's contents
  std::uint32_t frame_bytes_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace wirespan::grpc
