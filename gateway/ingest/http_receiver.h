#pragma once

#include <memory>

#include "common/base/result.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/receiver.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// OTLP over HTTP/1.1 and HTTP/2: protobuf and JSON on one port, told apart by Content-Type. Every
// failure has a google.rpc.Status in the request's encoding as its body. A trailing slash after a
// path is accepted.
Result<std::unique_ptr<Receiver>> StartHttpReceiver(const HttpServerOptions& options,
                                                    std::unique_ptr<Door> door);

// The same, with gRPC on the same port: calls are told from requests by their content type, and
// each has its own door. Address, TLS and connections are `http`'s; of `grpc` only what a call has.
Result<std::unique_ptr<Receiver>> StartSharedReceiver(const HttpServerOptions& http,
                                                      std::unique_ptr<Door> http_door,
                                                      const GrpcServerOptions& grpc,
                                                      std::unique_ptr<Door> grpc_door);

}  // namespace wirespan::gateway
