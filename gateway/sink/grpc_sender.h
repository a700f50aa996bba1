#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/sink/exporter_options.h"
#include "gateway/sink/sender.h"

namespace wirespan::gateway {

// OTLP over gRPC: one channel, unary calls on raw bytes. Compression is ours, not gRPC's: the
// buffer goes out compressed already. Fails on unreadable TLS files and on settings that gRPC C++
// can't do; an unreachable endpoint is a matter of retries.
Result<std::unique_ptr<Sender>> CreateGrpcSender(const GrpcClientOptions& options);

// The same way out for Jaeger's api_v2: traces alone.
Result<std::unique_ptr<Sender>> CreateJaegerSender(const JaegerOptions& options);

}  // namespace wirespan::gateway
