#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/protocol/proxy/preamble.h"
#include "agent/protocol/tls/client_hello.h"

namespace wirespan::connection {

enum class Speaks : std::uint8_t {
  kNeedMore,
  kHttp1Request,
  kHttp1Response,
  kHttp2Preface,   // of the client
  kHttp2Settings,  // the server's first octets
  kHttp2Frames,    // in the middle of a connection
  kTls,
  kProxyPreamble,
  kOther
};

struct Decision {
  Speaks speaks = Speaks::kNeedMore;
  // kNeedMore: likely HTTP/2 frames. If the other direction agrees, that's enough.
  bool likely_frames = false;
  tls::ClientHello hello{};    // kTls, as far as it was captured
  proxy::Preamble preamble{};  // kProxyPreamble: skip its bytes and decide again
};

// What starts here, by the bytes alone. `final`: no more bytes can be had (a gap follows, or a
// bound is reached), so kNeedMore is not an answer. `joined_late`: the bytes may lie anywhere in a
// stream (any TLS record counts). `frame_start`: the kernel takes the first one for that of a
// frame.
Decision Decide(std::string_view bytes, bool final, bool joined_late, bool frame_start = false);

}  // namespace wirespan::connection
