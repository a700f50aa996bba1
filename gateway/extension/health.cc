#include "gateway/extension/health.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

namespace wirespan::gateway {

namespace {

std::string Rfc3339(std::uint64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm date{};
  ::gmtime_r(&seconds, &date);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", date.tm_year + 1900,
                     date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
                     unix_ns % 1'000'000'000);
}

// As Go prints a duration: 1h2m3.5s.
std::string Duration(std::uint64_t ns) {
  const std::uint64_t seconds = ns / 1'000'000'000;
  std::string text;
  if (seconds >= 3600) text += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) text += fmt::format("{}m", seconds / 60 % 60);
  return text + fmt::format("{}.{:03}s", seconds % 60, ns / 1'000'000 % 1000);
}

}  // namespace

http::Response HealthResponse(const Readiness& readiness, std::uint64_t now_realtime_ns) {
  http::Response response;
  response.headers.emplace_back("Content-Type", "application/json");
  if (!readiness.ready()) {
    response.status = 503;
    response.body =
        R"({"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""})";
    return response;
  }
  const std::uint64_t since = readiness.since_ns();
  response.body =
      fmt::format(R"({{"status":"Server available","upSince":"{}","uptime":"{}"}})", Rfc3339(since),
                  Duration(now_realtime_ns > since ? now_realtime_ns - since : 0));
  return response;
}

Result<std::unique_ptr<http::Server>> StartHealth(const std::string& host, std::uint16_t port,
                                                  const std::string& path,
                                                  const Readiness& readiness, const Clock& clock) {
  http::ServerOptions options;
  options.host = host;
  options.port = port;
  options.max_body_bytes = 64 << 10;
  options.max_connections = 64;
  return http::Server::Start(
      options, [&readiness, &clock, path](http::Request request,
                                          std::unique_ptr<http::Responder> responder) {
        if (request.path != path) {
          responder->Send({.status = 404, .body = "no such page\n"});
          return;
        }
        responder->Send(HealthResponse(readiness, clock.realtime_ns()));
      });
}

}  // namespace wirespan::gateway
