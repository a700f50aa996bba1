#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "gateway/sink/store/catalog.h"
#include "gateway/sink/store/query.h"

// The messages of jaeger.api_v3.QueryService, by the field numbers that Jaeger publishes. What is
// not named here (the times of GetTraceRequest, raw_traces) changes nothing. Errors are for the
// client.
namespace wirespan::gateway::query {

// GetTraceRequest: 1 trace_id, up to 32 hex digits.
Result<store::TraceId> ReadGetTrace(std::string_view message);

// FindTracesRequest: 1 query (1 service_name, 2 operation_name, 3 attributes, a map of texts,
// 4 start_time_min, 5 start_time_max, both required, 6 duration_min, 7 duration_max,
// 8 search_depth).
Result<store::TraceQuery> ReadFindTraces(std::string_view message);

// GetOperationsRequest: 1 service, 2 span_kind.
struct OperationsRequest {
  std::string service{};
  std::string span_kind{};  // empty: any
};
Result<OperationsRequest> ReadGetOperations(std::string_view message);

// GetServicesResponse: 1 services*.
std::string EncodeServices(const std::vector<std::string>& services);

// GetOperationsResponse: 1 operations* (1 name, 2 span_kind).
std::string EncodeOperations(const std::vector<store::Operation>& operations,
                             std::string_view span_kind);

// A trace as TracesData messages (1 resource_spans*, as in an ExportTraceServiceRequest), of about
// `bytes` at most unless one ResourceSpans alone is larger: clients take 4 MiB by default.
std::vector<std::string_view> SplitTrace(std::string_view spans, std::size_t bytes);

}  // namespace wirespan::gateway::query
