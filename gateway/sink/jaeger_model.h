#pragma once

#include <string>
#include <string_view>

namespace wirespan::gateway {

inline constexpr const char* kJaegerPostSpans = "/jaeger.api_v2.CollectorService/PostSpans";

// jaeger.api_v2.PostSpansRequest of a well-formed ExportTraceServiceRequest, by OpenTelemetry's
// "OpenTelemetry to Jaeger" rules. One batch; each span carries its process if there are several
// resources.
std::string JaegerRequest(std::string_view request);

}  // namespace wirespan::gateway
