#pragma once

#include "common/base/result.h"
#include "common/http/server.h"
#include "gateway/ingest/client_metadata.h"
#include "gateway/ingest/receiver_options.h"
#include "gateway/pipeline/outcome.h"

// What the receivers over HTTP have in common.
namespace wirespan::gateway {

// Address, TLS and bounds.
Result<http::ServerOptions> ServerOptionsOf(const HttpServerOptions& options);

// wirespan_receiver_connections_ended_total of a receiver, by reason.
http::ServerCounters ConnectionCounters(const std::string& receiver, const std::string& transport,
                                        telemetry::Registry& registry);

// Ok if there is no authenticator or it lets the request in. `found` gets what it knows of it.
Outcome Authenticate(const HttpServerOptions& options, const http::Headers& headers,
                     AuthAttributes* found);

// What is kept of a request beside its body, see ClientMetadata.
Outcome TakeMetadata(const ClientMetadata& keeper, const http::Request& request,
                     const AuthAttributes& who, std::shared_ptr<const Metadata>& metadata);

}  // namespace wirespan::gateway
