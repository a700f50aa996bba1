#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/metric/open_metrics.h"
#include "common/base/result.h"
#include "common/http/server.h"

namespace wirespan::app {

// What the agent's listeners show. The functions run on the listener's thread.
struct AdminPages {
  std::function<std::string()> metrics{};  // own metrics, Prometheus text 0.0.4
  // "": ready (probes attached and the ring drained lately). Otherwise the sentence why not.
  std::function<std::string()> not_ready{};
  // "": started (ready once, or waiting for another agent's end). Otherwise why not.
  std::function<std::string()> not_started{};
};

// /metrics, /healthz, /readyz, /startz on `listen`.
Result<std::unique_ptr<http::Server>> StartAdmin(const std::string& listen, AdminPages pages);

// /metrics: the observed services' RED metrics in the format that the scraper asks for.
Result<std::unique_ptr<http::Server>> StartRedMetrics(
    const std::string& listen, std::function<std::string(metric::TextFormat)> render);

}  // namespace wirespan::app
