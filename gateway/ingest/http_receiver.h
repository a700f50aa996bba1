#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/receiver.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// OTLP over HTTP/1.1: protobuf and JSON on one port, told apart by Content-Type. Every failure has
// a google.rpc.Status in the request's encoding as its body. A trailing slash after a path is
// accepted.
Result<std::unique_ptr<Receiver>> StartHttpReceiver(const HttpServerOptions& options,
                                                    std::unique_ptr<Door> door);

}  // namespace wirespan::gateway
