#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/receiver.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// OTLP over gRPC, on raw buffers: gRPC neither parses nor inflates, we do the latter with a bound.
Result<std::unique_ptr<Receiver>> StartGrpcReceiver(const GrpcServerOptions& options,
                                                    std::unique_ptr<Door> door);

// gRPC's own messages go to our log at debug level. Once, before anything of gRPC.
void QuietGrpc();

}  // namespace wirespan::gateway
