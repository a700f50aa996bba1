#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/server.h"
#include "common/telemetry/metrics.h"

namespace wirespan::gateway {

// otelcol_process_{uptime_seconds_total,cpu_seconds_total,memory_rss_bytes}, wirespan_build_info,
// and the usual process_* beside them.
void RegisterProcessMetrics(telemetry::Registry& registry, const Clock& clock);

// GET /metrics in Prometheus' text format. The registry outlives the server.
Result<std::unique_ptr<http::Server>> StartSelfMetrics(const std::string& host, std::uint16_t port,
                                                       const telemetry::Registry& registry);

}  // namespace wirespan::gateway
