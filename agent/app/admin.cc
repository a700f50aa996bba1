#include "agent/app/admin.h"

#include <utility>

#include "agent/app/listen_address.h"

namespace wirespan::app {
namespace {

constexpr char kPlain[] = "text/plain; charset=utf-8";
constexpr char kPrometheus[] = "text/plain; version=0.0.4; charset=utf-8";

http::Response Page(int status, std::string type, std::string body) {
  return {
      .status = status, .headers = {{"Content-Type", std::move(type)}}, .body = std::move(body)};
}

Result<std::unique_ptr<http::Server>> Listen(const std::string& listen, http::Handler handler) {
  auto address = ParseListenAddress(listen);
  if (!address) return tl::unexpected(std::move(address.error()));
  http::ServerOptions options;
  options.host = address->host;
  options.port = address->port;
  options.max_body_bytes = 4096;
  options.max_connections = 64;
  return http::Server::Start(std::move(options), std::move(handler));
}

bool IsRead(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

http::Response NotAllowed() {
  auto response = Page(405, kPlain, "GET only\n");
  response.headers.emplace_back("Allow", "GET, HEAD");
  return response;
}

}  // namespace

Result<std::unique_ptr<http::Server>> StartAdmin(const std::string& listen, AdminPages pages) {
  return Listen(listen, [pages = std::move(pages)](http::Request request,
                                                   std::unique_ptr<http::Responder> responder) {
    if (!IsRead(request)) return responder->Send(NotAllowed());
    if (request.path == "/metrics") return responder->Send(Page(200, kPrometheus, pages.metrics()));
    if (request.path == "/healthz") return responder->Send(Page(200, kPlain, "ok\n"));
    if (request.path == "/readyz" || request.path == "/startz") {
      const auto why = request.path == "/readyz" ? pages.not_ready() : pages.not_started();
      return responder->Send(
          why.empty() ? Page(200, kPlain, request.path == "/readyz" ? "ready\n" : "started\n")
                      : Page(503, kPlain, why + "\n"));
    }
    responder->Send(Page(404, kPlain, "/metrics, /healthz, /readyz and /startz are here\n"));
  });
}

Result<std::unique_ptr<http::Server>> StartRedMetrics(
    const std::string& listen, std::function<std::string(metric::TextFormat)> render) {
  return Listen(listen, [render = std::move(render)](http::Request request,
                                                     std::unique_ptr<http::Responder> responder) {
    if (!IsRead(request)) return responder->Send(NotAllowed());
    if (request.path != "/metrics") return responder->Send(Page(404, kPlain, "/metrics is here\n"));
    const auto format = metric::FormatFor(http::FindHeader(request.headers, "Accept").value_or(""));
    responder->Send(Page(200, std::string(metric::ContentType(format)), render(format)));
  });
}

}  // namespace wirespan::app
