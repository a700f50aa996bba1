#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocol/http1/head.h"

namespace wirespan::http1 {

enum class BodyKind : std::uint8_t {
  kNone,
  kLength,
  kChunked,
  kUntilClose,
  kUnknown,  // there may be one, and nothing says where it ends
  kOpaque,   // the connection speaks something else from here on
};

struct Body {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // kLength
};

// RFC 9112, section 6.3.
Body RequestBody(const RequestHead& head);
// `method` is of the request that it answers; empty if unknown. 1xx other than 101 have none.
Body ResponseBody(const ResponseHead& head, std::string_view method);

}  // namespace wirespan::http1
