#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace wirespan::otlp {

// Zipkin's v2 JSON (an array of spans) as the bytes of an ExportTraceServiceRequest, by
// OpenTelemetry's rules: a resource for each local service name, tags as text attributes,
// annotations as events. kInvalidArgument: "offset 17: ..." without the text itself.
Result<std::string> RequestFromZipkin(std::string_view json);

}  // namespace wirespan::otlp
