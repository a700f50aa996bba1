#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// OTLP over HTTP/1.1, protobuf or JSON. `max_connections`: requests under way at a time. Fails on
// unreadable TLS files and on a proxy that can't be used.
Result<std::unique_ptr<Sender>> CreateHttpSender(const HttpClientOptions& options, Signal signal,
                                                 std::size_t max_connections);

// Zipkin's v2 JSON by HTTP: traces alone.
Result<std::unique_ptr<Sender>> CreateZipkinSender(const ZipkinOptions& options,
                                                   std::size_t max_connections);

}  // namespace wirespan::gateway
