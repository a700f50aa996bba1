#include "gateway/sink/proxy_choice.h"

#include <fmt/format.h>

#include "common/http/url.h"

namespace wirespan::gateway {

namespace {

// Programs in Go take "proxy:3128" too.
std::string WithScheme(std::string_view proxy) {
  const bool has = proxy.find("://") != std::string_view::npos;
  return has ? std::string(proxy) : "http://" + std::string(proxy);
}

// "host:port" of a target that a resolver looks up; empty: it is something else.
std::string_view AuthorityOf(std::string_view target) {
  for (const std::string_view scheme : {"dns:", "passthrough:"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    if (!target.starts_with("//")) return target;
    const std::size_t slash = target.find('/', 2);  // behind the name server, mostly none
    return slash == std::string_view::npos ? std::string_view{} : target.substr(slash + 1);
  }
  for (const std::string_view scheme : {"unix:", "unix-abstract:", "ipv4:", "ipv6:", "vsock:"}) {
    if (target.starts_with(scheme)) return {};
  }
  return target;
}

}  // namespace

Result<> CheckProxy(std::string_view key, std::string_view proxy) {
  if (proxy.empty()) return {};
  const auto url = http::ParseUrl(WithScheme(proxy));
  if (!url) return Wrap(key, url.error());
  if (!url->tls()) return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("{}: only proxies with http:// are supported", key));
}

Result<std::string> ProxyForUrl(const ProxyOptions& options, const std::string& url) {
  if (!options.url.empty()) {
    if (auto checked = CheckProxy("proxy_url", options.url); !checked)
      return tl::unexpected(std::move(checked.error()));
    return WithScheme(options.url);
  }
  const auto backend = http::ParseUrl(url);
  if (!backend) return std::string();  // which each request will say
  const auto& [http_proxy, https_proxy, no_proxy] = options.environment;
  const std::string& proxy = backend->tls() ? https_proxy : http_proxy;
  if (proxy.empty() || http::BypassesProxy(*backend, no_proxy)) return std::string();
  if (auto checked = CheckProxy(backend->tls() ? "HTTPS_PROXY" : "HTTP_PROXY", proxy); !checked)
    return tl::unexpected(std::move(checked.error()));
  return WithScheme(proxy);
}

Result<std::string> ProxyForGrpc(const ProxyOptions& options, std::string_view target) {
  const std::string_view authority = AuthorityOf(target);
  if (authority.empty()) return std::string();
  return ProxyForUrl(options, "https://" + std::string(authority));
}

}  // namespace wirespan::gateway
