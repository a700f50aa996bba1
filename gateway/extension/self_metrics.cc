#include "gateway/extension/self_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "common/base/version.h"
#include "common/telemetry/process_metrics.h"

namespace wirespan::gateway {

namespace {

double CpuSeconds() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return static_cast<double>(resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void RegisterProcessMetrics(telemetry::Registry& registry, const Clock& clock) {
  const auto add = [&](std::string name, std::string_view help, bool monotonic,
                       std::function<double()> value) {
    registry.AddCollector(name, help, monotonic,
                          [name, value = std::move(value)](std::vector<telemetry::Sample>& out) {
                            out.push_back({.name = name, .value = value()});
                          });
  };
  const std::uint64_t started_ns = clock.monotonic_ns();
  add("otelcol_process_uptime_seconds_total", "Seconds since the start", true,
      [&clock, started_ns] {
        return static_cast<double>(clock.monotonic_ns() - started_ns) / 1e9;
      });
  add("otelcol_process_cpu_seconds_total", "User and system CPU time", true, CpuSeconds);
  add("otelcol_process_memory_rss_bytes", "Resident memory", false, ResidentBytes);
  telemetry::RegisterProcessMetrics(registry);
  telemetry::RegisterBuildInfo(registry, "wirespan-gateway", kVersion, "");
}

http::Response MetricsResponse(const telemetry::Registry& registry, const http::Request& request) {
  if (request.path != "/metrics") return {.status = 404, .body = "metrics are at /metrics\n"};
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = registry.Text()};
}

}  // namespace wirespan::gateway
