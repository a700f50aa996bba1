#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>

#include "common/base/result.h"
#include "common/http/tls_copies.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

struct GrpcServerCredentials {
  std::unique_ptr<http::TlsCopies> copies{};  // what gRPC reads: to outlive the server
  std::shared_ptr<grpc::ServerCredentials> credentials{};
};

// Of a gRPC server; plain text without TLS. With a reload_interval the files are watched, and new
// connections get what they hold then; files that can't be used change nothing.
Result<GrpcServerCredentials> ServerCredentialsOf(const std::optional<ServerTlsOptions>& tls);

}  // namespace wirespan::gateway
