#pragma once

#include "common/base/result.h"
#include "gateway/pipeline/auth.h"

namespace wirespan::gateway {

// The headers of one attempt: those of the settings, and what their authenticator makes of them. An
// error may pass by itself: the attempt is to be tried again.
template <class Options>
Result<HeaderList> HeadersFor(const Options& options) {
  HeaderList headers = options.headers;
  if (options.auth == nullptr) return headers;
  const FindHeader none = [](std::string_view) { return std::nullopt; };
  if (auto applied = options.auth->Apply(none, headers); !applied) {
    return Wrap(options.authenticator, std::move(applied.error()));
  }
  return headers;
}

}  // namespace wirespan::gateway
