#pragma once

#include <algorithm>

#include "common/base/result.h"
#include "gateway/pipeline/auth.h"
#include "gateway/pipeline/outcome.h"

namespace wirespan::gateway {

// A value that came from a sender could break the line structure of HTTP/1.1.
inline bool FitsInHttp(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// gRPC ends the process over metadata that it does not allow: lower-case names, printable ASCII
// (any bytes where the name ends in -bin).
inline bool FitsInGrpc(std::string_view name, std::string_view value) {
  const bool named = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  return named && (name.ends_with("-bin") ||
                   std::all_of(value.begin(), value.end(),
                               [](unsigned char c) { return c >= 0x20 && c <= 0x7e; }));
}

// The headers of one attempt: those of the settings, and what their authenticator makes of them and
// of the request's metadata. Not ok: it may pass by itself and is to be tried again, or these
// metadata will never do.
template <class Options>
Outcome HeadersFor(const Options& options, const Metadata* metadata, HeaderList& headers) {
  headers = options.headers;
  if (options.auth == nullptr) return {};
  auto applied = options.auth->Apply(metadata, headers);
  if (applied) return {};
  Error error = Wrap(options.authenticator, std::move(applied.error())).value();
  return error.code == ErrorCode::kInvalidArgument
             ? Outcome::Reject(StatusCode::kInvalidArgument, std::move(error.message))
             : Outcome::Retry(std::move(error.message));
}

}  // namespace wirespan::gateway
