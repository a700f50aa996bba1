#pragma once

#include <string>
#include <string_view>

namespace wirespan::gateway {

// Zipkin's v2 JSON (an array of spans) of a well-formed ExportTraceServiceRequest, by
// OpenTelemetry's "OpenTelemetry to Zipkin" rules.
std::string ZipkinJson(std::string_view request);

}  // namespace wirespan::gateway
