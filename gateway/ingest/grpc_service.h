#pragma once

#include <memory>

#include "common/http/server.h"
#include "gateway/ingest/client_metadata.h"
#include "gateway/ingest/door.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// OTLP's gRPC methods on our own HTTP/2 server, for the port that OTLP/HTTP is on too. Thread-safe.
class GrpcService {
 public:
  GrpcService(const GrpcServerOptions& options, std::unique_ptr<Door> door)
      : options_(options), door_(std::move(door)) {}

  // A request whose content type is gRPC's.
  void Handle(http::Request request, std::unique_ptr<http::Responder> responder);

  // What the server could not receive (413, 503, ...), in gRPC's words.
  http::Response Refusal(int http_status);

  // Of a request's body, with its message's prefix.
  std::size_t body_limit() const;

 private:
  http::Response Turn(const Outcome& outcome);
  void Export(Signal signal, http::Request request, std::shared_ptr<const Metadata> metadata,
              std::unique_ptr<http::Responder> responder);

  const GrpcServerOptions options_;
  const ClientMetadata client_metadata_{options_.metadata_keys, options_.include_metadata};
  const std::unique_ptr<Door> door_;
};

}  // namespace wirespan::gateway
