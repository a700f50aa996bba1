#include "gateway/app/pages.h"

#include <fmt/format.h>

#include "common/telemetry/log.h"
#include "gateway/extension/health.h"
#include "gateway/extension/self_metrics.h"

namespace wirespan::gateway {

Result<Pages::Page> Pages::Serve(const std::string& name, const ListenConfig& listen,
                                 Answer answer) const {
  const std::string address = fmt::format("{}:{}", listen.host, listen.port);
  const auto running = pages_.find(name);
  if (running != pages_.end() && running->second.address == address) return running->second;
  http::ServerOptions options;
  options.host = listen.host;
  options.port = listen.port;
  options.max_body_bytes = 64 << 10;
  options.max_connections = 64;
  auto started = http::Server::Start(
      options, [answer = std::move(answer)](http::Request request,
                                            std::unique_ptr<http::Responder> responder) {
        responder->Send(answer(request));
      });
  if (!started) return tl::unexpected(started.error());
  return Page{.address = address, .server = std::move(*started)};
}

Result<> Pages::Apply(const GatewayConfig& config) {
  std::map<std::string, Page> pages;
  const auto keep = [&](const std::string& name, const ListenConfig& listen, std::string_view path,
                        Page page) {
    const auto before = pages_.find(name);
    if (before == pages_.end() || before->second.server != page.server) {
      log::Info("{}: http://{}:{}{}", name, listen.host, page.server->port(), path);
    }
    pages[name] = std::move(page);
  };
  const ListenConfig& health = config.health.listen;
  auto page = Serve("health", health, [&state = state_](const http::Request& request) {
    return HealthPages(state, request);
  });
  if (page) {
    keep("health", health, health.path, std::move(*page));
  } else if (health.configured) {
    return Wrap("health_check", std::move(page.error()));
  } else {
    log::Warn("health: {}; going on without the health page", page.error().message);
  }
  if (config.metrics) {
    page = Serve("metrics", *config.metrics, [&registry = registry_](const http::Request& request) {
      return MetricsResponse(registry, request);
    });
    if (!page) return Wrap("service.telemetry.metrics", std::move(page.error()));
    keep("metrics", *config.metrics, "/metrics", std::move(*page));
  }
  for (const auto& [id, extension] : config.extensions) {
    const auto* status = std::get_if<StatusPageOptions>(&extension);
    if (status == nullptr) continue;
    page = Serve(id, status->listen, [&state = state_](const http::Request& request) {
      return StatusResponse(state, request);
    });
    if (!page) return Wrap(id, std::move(page.error()));
    keep(id, status->listen, status->listen.path, std::move(*page));
  }
  pages_ = std::move(pages);
  return {};
}

void Pages::Stop() {
  for (auto& [name, page] : pages_) page.server->Stop(std::chrono::milliseconds(100));
  pages_.clear();
}

}  // namespace wirespan::gateway
