#pragma once

#include <string>

#include "common/http/server.h"
#include "gateway/extension/status_page.h"

namespace wirespan::gateway {

// The Collector's health_check body and status: 200 {"status":"Server
// available","upSince":...,"uptime":...} or 503 {"status":"Server not available",...}, or what
// response_body says. 503 before and after data is taken, and while a pipeline can't do its work:
// then the components to blame stand in it too, unless the body is the configuration's.
http::Response HealthResponse(const GatewayState& state);

// The health page's port: its path (with ?verbose all components as JSON) and the status page at
// /status.
http::Response HealthPages(const GatewayState& state, const http::Request& request);

}  // namespace wirespan::gateway
