#pragma once

#include "common/base/clock.h"
#include "common/http/server.h"
#include "common/telemetry/metrics.h"

namespace wirespan::gateway {

// otelcol_process_{uptime_seconds_total,cpu_seconds_total,memory_rss_bytes}, wirespan_build_info,
// and the usual process_* beside them.
void RegisterProcessMetrics(telemetry::Registry& registry, const Clock& clock);

// GET /metrics in Prometheus' text format.
http::Response MetricsResponse(const telemetry::Registry& registry, const http::Request& request);

}  // namespace wirespan::gateway
