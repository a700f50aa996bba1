#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/http/url.h"

namespace wirespan::http {

// True if `url` is to be reached directly. `no_proxy` is a list with commas, as Go's programs read
// NO_PROXY:
//
//   *              everything
//   example.com    that host and all below it          .example.com   only those below it
//   10.0.0.0/8     addresses in a network (the URL must have an address, no name is looked up)
//   192.0.2.1      one address; any entry but CIDR and * may end in :port
//
// localhost and loopback addresses are always reached directly.
bool BypassesProxy(const Url& url, std::string_view no_proxy);

// HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case forms (which win); HTTP_PROXY is ignored
// inside CGI.
struct ProxySettings {
  std::string http_proxy{};
  std::string https_proxy{};
  std::string no_proxy{};
};
// `lookup` gives a variable's value or null, like std::getenv.
ProxySettings ProxyFromEnvironment(const std::function<const char*(const char*)>& lookup);

}  // namespace wirespan::http
