#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/result.h"
#include "common/http/server.h"
#include "gateway/pipeline/auth.h"
#include "gateway/sink/store/coverage_table.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

struct QueryOptions {
  http::ServerOptions server{};                       // address, TLS
  std::optional<http::ServerOptions> grpc{};          // Jaeger's API v3 over gRPC; none: not served
  std::shared_ptr<const ServerAuthenticator> auth{};  // null: none
  int threads = 2;                                    // queries that run at a time
  std::size_t waiting = 64;                           // more are answered 503
};

// Serves a store's content. Queries run on threads of its own, so that none holds up the others'
// connections; one whose client is gone is ended.
class QueryServer {
 public:
  virtual ~QueryServer() = default;  // ends the queries under way
  virtual std::uint16_t port() const = 0;
  virtual std::uint16_t grpc_port() const = 0;  // 0: not served

  static Result<std::unique_ptr<QueryServer>> Start(
      const QueryOptions& options, std::shared_ptr<store::TraceStore> store,
      std::shared_ptr<const store::CoverageTable> coverage = nullptr);
};

}  // namespace wirespan::gateway::query
