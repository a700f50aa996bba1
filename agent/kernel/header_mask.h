#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/connection/event.h"
#include "agent/kernel/http2_mask.h"
#include "common/base/flat_map.h"

namespace wirespan::kernel {

// Overwrites the values of Authorization, Proxy-Authorization, Cookie and Set-Cookie in captured
// bytes with 'x', length kept, wherever the capture was cut. Remembers the line it is in for each
// direction of at most kMaxStreams connections; beyond that the oldest table is emptied, and the
// rest of a line that was cut just then is not masked. From the first frame on that the kernel
// marks, a direction is HTTP/2 (Http2Mask).
class HeaderMask {
 public:
  static constexpr std::size_t kMaxStreams = 65536;

  // `captured` is a copy of data.captured.
  void Apply(const connection::DataEvent& data, std::string& captured);
  void Forget(connection::ConnectionId conn);

 private:
  enum class State : std::uint8_t { kName, kValue, kSecret, kLineEnd };
  struct Stream {
    std::uint64_t next = 0;
    State state = State::kName;
    bool secret = false;  // kLineEnd: the line before was one, so a folded line is too
    std::string name{};   // of the line so far, lower case; at most 20 bytes
    std::unique_ptr<Http2Mask> http2{};
  };
  static bool IsSecret(const std::string& name);

  FlatMap<std::uint64_t, Stream> streams_[2]{};
};

}  // namespace wirespan::kernel
