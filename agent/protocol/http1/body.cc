#include "agent/protocol/http1/body.h"

namespace wirespan::http1 {

Body RequestBody(const RequestHead& head) {
  const Framing& framing = head.framing;
  if (framing.transfer_encoding) return {framing.chunked ? BodyKind::kChunked : BodyKind::kUnknown};
  if (framing.bad_length) return {BodyKind::kUnknown};
  if (framing.content_length.value_or(0) != 0) return {BodyKind::kLength, *framing.content_length};
  return {};
}

Body ResponseBody(const ResponseHead& head, std::string_view method) {
  const Framing& framing = head.framing;
  const int status = head.status;
  if (status == 101 || (method == "CONNECT" && status / 100 == 2)) return {BodyKind::kOpaque};
  if (method == "HEAD" || status / 100 == 1 || status == 204 || status == 304) return {};
  if (framing.transfer_encoding)
    return {framing.chunked ? BodyKind::kChunked : BodyKind::kUntilClose};
  if (framing.bad_length) return {BodyKind::kUnknown};
  if (!framing.content_length) return {BodyKind::kUntilClose};
  if (*framing.content_length == 0) return {};
  return {BodyKind::kLength, *framing.content_length};
}

}  // namespace wirespan::http1
