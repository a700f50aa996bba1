#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "gateway/sink/exporter_options.h"

// Which proxy a backend is reached through: proxy_url if there is one, whatever the backend; else
// what the environment names, as for Go's programs. There is none to this machine, and none to what
// NO_PROXY lists.
namespace wirespan::gateway {

// Null if `proxy` (of `key`) can be used; only "http://[user:password@]host:port" can.
Result<> CheckProxy(std::string_view key, std::string_view proxy);

// "http://..." or empty: none. HTTPS_PROXY for https URLs, HTTP_PROXY for the others.
Result<std::string> ProxyForUrl(const ProxyOptions& options, const std::string& url);

// The same for a target of gRPC ("host:port", "dns:///host:port"): HTTPS_PROXY, with TLS or
// without, because the proxy is asked for a tunnel in both cases. What has no host (unix:) has no
// proxy either.
Result<std::string> ProxyForGrpc(const ProxyOptions& options, std::string_view target);

}  // namespace wirespan::gateway
