#include "agent/protocol/http1/sniff.h"

#include "agent/protocol/http1/field.h"
#include "agent/protocol/http1/head.h"

namespace wirespan::http1 {
namespace {

std::string_view SkipEmptyLines(std::string_view bytes) {
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) bytes.remove_prefix(1);
  return bytes;
}

// '/', '*', "http://..." and, for CONNECT, "host:port".
bool PlausibleTarget(std::string_view method, char first) {
  return first == '/' || first == '*' || first == 'h' ||
         (method == "CONNECT" && IsTokenChar(first));
}

}  // namespace

Likeness LooksLikeRequest(std::string_view bytes, bool anywhere) {
  bytes = SkipEmptyLines(bytes);
  const std::size_t space = bytes.substr(0, 24).find(' ');
  if (space != std::string_view::npos && space + 1 < bytes.size()) {
    const std::string_view method = bytes.substr(0, space);
    if (PlausibleTarget(method, bytes[space + 1]) && method != "PRI" && IsKnownMethod(method) &&
        bytes.substr(0, 512).find('\n') == std::string_view::npos) {
      return Likeness::kYes;
    }
  }
  if (anywhere && space != std::string_view::npos && !IsKnownMethod(bytes.substr(0, space))) {
    return Likeness::kNo;
  }
  RequestHead head;
  const std::size_t newline = bytes.find('\n');
  switch (ParseRequestHead(
              bytes.substr(0, newline == std::string_view::npos ? newline : newline + 1), head)
              .status) {
    case ParseStatus::kInvalid:
      return Likeness::kNo;
    case ParseStatus::kComplete:
      return Likeness::kYes;
    case ParseStatus::kNeedMore:
      break;
  }
  return newline != std::string_view::npos ? Likeness::kYes : Likeness::kNeedMore;
}

Likeness LooksLikeResponse(std::string_view bytes) {
  bytes = SkipEmptyLines(bytes).substr(0, 64);
  ResponseHead head;
  switch (ParseResponseHead(bytes, head).status) {
    case ParseStatus::kInvalid:
      return Likeness::kNo;
    case ParseStatus::kComplete:
      return Likeness::kYes;
    case ParseStatus::kNeedMore:
      break;
  }
  return head.status != 0 ? Likeness::kYes : Likeness::kNeedMore;
}

}  // namespace wirespan::http1
