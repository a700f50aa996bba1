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

http::Response HealthResponse(const GatewayState& state) {
  const GatewayState::Facts facts = state.facts();
  const auto troubles = Troubles(state);
  const bool good = facts.ready && troubles.empty();
  const auto& own = good ? facts.health.healthy_body : facts.health.unhealthy_body;
  if (own) {
    return {.status = good ? 200 : 503,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = *own};
  }
  http::Response response{.status = good ? 200 : 503,
                          .headers = {{"Content-Type", "application/json"}}};
  if (!good) {
    response.body =
        R"({"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":"")";
    if (!troubles.empty()) response.body += ",\"components\":" + ComponentsJson(troubles);
    response.body += "}";
    return response;
  }
  const std::uint64_t now_ns = state.clock().realtime_ns();
  response.body = fmt::format(R"({{"status":"Server available","upSince":"{}","uptime":"{}"}})",
                              Rfc3339(facts.since_ns),
                              Duration(now_ns > facts.since_ns ? now_ns - facts.since_ns : 0));
  return response;
}

http::Response HealthPages(const GatewayState& state, const http::Request& request) {
  if (request.path == "/status") return StatusResponse(state, request);
  if (request.path != state.facts().health.listen.path) {
    return {.status = 404, .body = "no such page\n"};
  }
  http::Response response = HealthResponse(state);
  if (request.query == "verbose") {
    response.headers = {{"Content-Type", "application/json"}};
    response.body = fmt::format(R"({{"healthy":{},"components":{}}})", response.status == 200,
                                ComponentsJson(state.board().Components()));
  }
  return response;
}

}  // namespace wirespan::gateway
