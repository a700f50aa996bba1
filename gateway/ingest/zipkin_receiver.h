#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/receiver.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// Zipkin's v2 JSON by POST /api/v2/spans, plain or compressed; 202 when it is taken. Failures are a
// line of text, as Zipkin's are. The paths of `options` are not used.
Result<std::unique_ptr<Receiver>> StartZipkinReceiver(const HttpServerOptions& options,
                                                      std::unique_ptr<Door> door);

}  // namespace wirespan::gateway
