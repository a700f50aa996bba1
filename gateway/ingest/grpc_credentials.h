#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>

#include "common/base/result.h"
#include "gateway/ingest/receiver_options.h"

namespace wirespan::gateway {

// Of a gRPC server; plain text without TLS. With a reload_interval the files are watched, and new
// connections get what they hold then.
Result<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const std::optional<ServerTlsOptions>& tls);

}  // namespace wirespan::gateway
