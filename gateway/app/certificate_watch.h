#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "common/http/tls_files.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"

namespace wirespan::gateway {

// The certificates of a component that reloads them.
struct WatchedCertificates {
  std::string component{};  // "receiver otlp/grpc", "exporter otlp"
  http::TlsFiles files{};
  std::chrono::milliseconds interval{0};
};

// Of everything that pipelines use, where reload_interval is set.
std::vector<WatchedCertificates> FindWatchedCertificates(const GatewayConfig& config);

// Tells in the log and in wirespan_tls_reloads_total{component,result} when such files change, and
// whether what is there now can be used. The reloading is done by who has the connections, for new
// ones, and without a word where gRPC has them.
class CertificateWatch {
 public:
  CertificateWatch(std::vector<WatchedCertificates> watched, telemetry::Registry& registry);

 private:
  std::jthread thread_;
};

}  // namespace wirespan::gateway
