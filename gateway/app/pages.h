#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/http/server.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/gateway_config.h"
#include "gateway/extension/status_page.h"

namespace wirespan::gateway {

// The gateway's own pages: metrics, health, and the status page where zpages asks for one. A page
// whose address stays the same in a new configuration is not touched. One thread.
class Pages {
 public:
  // Both outlive the pages.
  Pages(const GatewayState& state, const telemetry::Registry& registry)
      : state_(state), registry_(registry) {}

  // Serves what the configuration asks for. An address that the file names must be had; without one
  // the health page may be missing, so that a second gateway on the machine can start. On an error
  // the pages are as before.
  Result<> Apply(const GatewayConfig& config);
  void Stop();

 private:
  using Answer = std::function<http::Response(const http::Request&)>;
  struct Page {
    std::string address{};  // as configured
    std::shared_ptr<http::Server> server{};
  };
  // The page of that name at this address: the running one, or a new one.
  Result<Page> Serve(const std::string& name, const ListenConfig& listen, Answer answer) const;

  const GatewayState& state_;
  const telemetry::Registry& registry_;
  std::map<std::string, Page> pages_{};  // by name: "metrics", "health", an extension's id
};

}  // namespace wirespan::gateway
