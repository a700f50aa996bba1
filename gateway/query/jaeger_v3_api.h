#pragma once

#include <functional>
#include <string_view>

#include "common/http/server.h"
#include "gateway/query/api_answer.h"
#include "gateway/query/form.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

// Jaeger's API v3 over a store, as its HTTP gateway answers: OTLP's JSON.
//
//   GET /api/v3/services     GET /api/v3/traces?query.startTimeMin=&query.startTimeMax=
//   GET /api/v3/operations   GET /api/v3/traces/{id}
//
// Parameters may be written in Jaeger's older way too (query.start_time_min).
class JaegerV3Api {
 public:
  explicit JaegerV3Api(const store::TraceStore& store) : store_(store) {}  // which outlives it

  // Thread-safe. `gone`, asked now and then: nobody waits for the answer any more.
  ApiAnswer Answer(const http::Request& request, const std::function<bool()>& gone) const;

 private:
  http::Response Services() const;
  http::Response Operations(const Form& form) const;
  ApiAnswer Search(const Form& form, const store::QueryLimits& limits) const;
  ApiAnswer Trace(std::string_view id, const Form& form, const store::QueryLimits& limits) const;

  const store::TraceStore& store_;
};

}  // namespace wirespan::gateway::query
