#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// HTTP/2 bytes made by hand, and where their frames lie.
namespace wirespan::frame_test {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string FrameBytes(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                              std::string_view payload) {
  std::string out;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  put(payload.size(), 3);
  put(type, 1);
  put(flags, 1);
  put(stream, 4);
  out += payload;
  return out;
}

inline std::string Message(std::size_t size, char fill = 'm') {
  std::string out(1, '\0');
  for (int i = 3; i >= 0; --i) out.push_back(static_cast<char>(size >> (8 * i)));
  return out + std::string(size, fill);
}

// One direction of a connection under construction.
class FrameStream {
 public:
  struct Frame {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
    std::uint64_t end() const { return offset + 9 + length; }
  };

  FrameStream& Preface() {
    bytes_ += kPreface;
    return *this;
  }
  FrameStream& Add(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                   std::string_view payload) {
    frames_.push_back({.offset = bytes_.size(),
                       .length = static_cast<std::uint32_t>(payload.size()),
                       .type = type,
                       .flags = flags,
                       .stream = stream});
    bytes_ += FrameBytes(type, flags, stream, payload);
    return *this;
  }
  FrameStream& Settings() { return Add(4, 0, 0, std::string("\0\3\0\0\0\x64", 6)); }
  FrameStream& Ack() { return Add(4, 1, 0, ""); }
  FrameStream& Headers(std::uint32_t stream, std::size_t size = 40, bool end_stream = false) {
    return Add(1, static_cast<std::uint8_t>(4 | (end_stream ? 1 : 0)), stream,
               std::string(size, '\x82'));
  }
  FrameStream& Data(std::uint32_t stream, std::string_view payload, bool end_stream = false) {
    return Add(0, end_stream ? 1 : 0, stream, payload);
  }
  // As frames of at most `most` octets.
  FrameStream& Body(std::uint32_t stream, std::string_view payload, std::size_t most = 16384,
                    bool end_stream = false) {
    do {
      const auto part = payload.substr(0, most);
      payload.remove_prefix(part.size());
      Data(stream, part, end_stream && payload.empty());
    } while (!payload.empty());
    return *this;
  }
  FrameStream& WindowUpdate(std::uint32_t stream) {
    return Add(8, 0, stream, std::string("\0\0\x10\0", 4));
  }
  FrameStream& Ping() { return Add(6, 0, 0, "12345678"); }
  FrameStream& Reset(std::uint32_t stream) {
    return Add(3, 0, stream, std::string("\0\0\0\x8", 4));
  }

  const std::string& bytes() const { return bytes_; }
  const std::vector<Frame>& frames() const { return frames_; }

 private:
  std::string bytes_{};
  std::vector<Frame> frames_{};
};

}  // namespace wirespan::frame_test
