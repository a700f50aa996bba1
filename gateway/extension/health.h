#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/server.h"

namespace wirespan::gateway {

// Whether the gateway takes data. Set by the lifecycle, read by the health page; thread-safe.
class Readiness {
 public:
  void Set(bool ready, std::uint64_t now_realtime_ns) {
    since_ns_.store(now_realtime_ns);
    ready_.store(ready);
  }
  bool ready() const { return ready_.load(); }
  std::uint64_t since_ns() const { return since_ns_.load(); }  // realtime

 private:
  std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> since_ns_{0};
};

// The Collector's health_check body and status: 200 {"status":"Server
// available","upSince":...,"uptime":...} or 503 {"status":"Server not available",...}.
http::Response HealthResponse(const Readiness& readiness, std::uint64_t now_realtime_ns);

// Serves it on `endpoint` ("host:port") at `path`. `readiness` and `clock` outlive the server.
Result<std::unique_ptr<http::Server>> StartHealth(const std::string& host, std::uint16_t port,
                                                  const std::string& path,
                                                  const Readiness& readiness, const Clock& clock);

}  // namespace wirespan::gateway
