#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "common/base/clock.h"
#include "common/http/server.h"
#include "gateway/query/api_answer.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

// Jaeger's HTTP API over a store: what its UI, Grafana's data source and its clients ask for.
//
//   GET /api/services                    GET /api/traces
//   GET /api/services/{name}/operations  GET /api/traces/{id}
//   GET /api/operations                  GET /api/dependencies
//
// Parameters, shapes and messages are those of Jaeger 2; docs/gateway.md tells what differs.
class JaegerApi {
 public:
  // Both outlive it.
  explicit JaegerApi(const store::TraceStore& store, const Clock& clock = SystemClock())
      : store_(store), clock_(clock) {}

  // Thread-safe. `stop`, asked now and then: nobody waits for the answer any more.
  ApiAnswer Answer(const http::Request& request, std::function<bool()> stop) const;

 private:
  http::Response Services() const;
  http::Response OperationNames(std::string_view service) const;
  http::Response Operations(const http::Request& request) const;
  ApiAnswer Traces(const http::Request& request, const store::QueryLimits& limits) const;
  ApiAnswer Trace(const http::Request& request, std::string_view id,
                  const store::QueryLimits& limits) const;
  http::Response Dependencies(const http::Request& request, const store::QueryLimits& limits) const;

  const store::TraceStore& store_;
  const Clock& clock_;
};

}  // namespace wirespan::gateway::query
