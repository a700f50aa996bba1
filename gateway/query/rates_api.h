#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/http/server.h"
#include "gateway/query/form.h"
#include "gateway/sink/store/coverage_table.h"
#include "gateway/sink/store/trace_store.h"

namespace wirespan::gateway::query {

// Our own API over a store: what the page shows beside traces. docs/gateway.md has the shapes.
//
//   GET /wirespan/api/services    GET /wirespan/api/series     GET /wirespan/api/coverage
//   GET /wirespan/api/operations  GET /wirespan/api/about      GET /wirespan/metrics
//   GET /wirespan/api/edges       (/wirespan/api/live is LiveFeed's)
class RatesApi {
 public:
  // All outlive it. Without `coverage` no node is known.
  explicit RatesApi(const store::TraceStore& store, const store::CoverageTable* coverage = nullptr,
                    const Clock& clock = SystemClock())
      : store_(store), coverage_(coverage), clock_(clock), started_ns_(clock.realtime_ns()) {}

  using Stop = std::function<bool()>;
  // Thread-safe. `gone`, asked now and then: nobody waits for the answer any more.
  http::Response Answer(const http::Request& request, const Stop& gone) const;

 private:
  http::Response Services(const Form& form, const Stop& stop) const;
  http::Response Operations(const Form& form, const Stop& stop) const;
  http::Response Edges(const Form& form, const Stop& stop) const;
  http::Response Series(const Form& form, const Stop& stop) const;
  http::Response About() const;

  const store::TraceStore& store_;
  const store::CoverageTable* const coverage_;
  const Clock& clock_;
  const std::uint64_t started_ns_;
};

// {"error":"sentence"}
http::Response ApiFailure(int status, std::string_view message);

}  // namespace wirespan::gateway::query
