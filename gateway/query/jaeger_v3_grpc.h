#pragma once

#include <functional>
#include <string_view>

#include "common/http/server.h"
#include "gateway/pipeline/outcome.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

// Jaeger's API v3 over gRPC: jaeger.api_v3.QueryService with GetTrace, FindTraces (a stream of
// messages, a trace or a part of one each), GetServices and GetOperations.
class JaegerV3Grpc {
 public:
  // Outlives it.
  explicit JaegerV3Grpc(const store::TraceStore& store) : store_(store) {}

  // A call over HTTP/2 with its one message. Thread-safe. `gone`, asked now and then: nobody waits
  // for the answer any more.
  http::Response Answer(const http::Request& request, const std::function<bool()>& gone) const;

 private:
  http::Response GetTrace(std::string_view message, const store::QueryLimits& limits) const;
  http::Response FindTraces(std::string_view message, const store::QueryLimits& limits) const;
  http::Response GetOperations(std::string_view message) const;

  const store::TraceStore& store_;
};

}  // namespace wirespan::gateway::query
