#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// OTLP over HTTP/1.1, protobuf or JSON. `max_connections`: requests under way at a time.
Result<std::unique_ptr<Sender>> CreateHttpSender(const HttpClientOptions& options,
                                                 std::size_t max_connections);

// Retry-After: seconds, or an HTTP date compared with `now`. Nothing if it is neither; 0 if the
// date has passed.
std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value, std::time_t now);

}  // namespace wirespan::gateway
