#include "tests/bench/gateway/payload.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/otlp/wire.h"

namespace wirespan::bench {

namespace {

using otlp::AppendBytesField;
using otlp::AppendFixed64Field;
using otlp::AppendVarintField;

std::uint64_t Mixed(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string BigEndian(std::uint64_t value) {
  std::string out(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8)
    out[static_cast<std::size_t>(i)] = static_cast<char>(value);
  return out;
}

void Text(std::string& out, std::string_view key, std::string_view text) {
  std::string value;
  AppendBytesField(value, 1, text);
  std::string pair;
  AppendBytesField(pair, 1, key);
  AppendBytesField(pair, 2, value);
  AppendBytesField(out, 9, pair);
}

void Number(std::string& out, std::string_view key, std::uint64_t number) {
  std::string value;
  AppendVarintField(value, 3, number);
  std::string pair;
  AppendBytesField(pair, 1, key);
  AppendBytesField(pair, 2, value);
  AppendBytesField(out, 9, pair);
}

std::string OneSpan(std::uint64_t number, std::uint64_t index) {
  constexpr std::array<std::string_view, 8> kRoutes = {
      "/api/cart/items", "/api/orders",   "/api/users/me",  "/healthz",
      "/api/search",     "/api/checkout", "/static/app.js", "/api/products/list"};
  const std::uint64_t random = Mixed(number * 1000003 + index);
  const std::string_view route = kRoutes[random % kRoutes.size()];
  std::string span;
  AppendBytesField(span, 1, BigEndian(number) + BigEndian(index));
  AppendBytesField(span, 2, BigEndian(Mixed(random)));
  if (index % 4 != 0) AppendBytesField(span, 4, BigEndian(Mixed(random + 1)));
  AppendBytesField(span, 5, fmt::format("GET {}", route));
  AppendVarintField(span, 6, 2);
  AppendFixed64Field(span, 7, 1700000000000000000 + random % 1000000000);
  AppendFixed64Field(span, 8, 1700000000100000000 + random % 1000000000);
  Text(span, "http.request.method", "GET");
  Text(span, "url.path", route);
  Text(span, "url.scheme", "https");
  Number(span, "http.response.status_code", random % 50 == 0 ? 500 : 200);
  Text(span, "server.address", "shop.example.com");
  Number(span, "server.port", 443);
  Text(span, "client.address", fmt::format("10.1.{}.{}", random % 200, random / 200 % 250));
  Text(span, "network.protocol.version", "1.1");
  Text(span, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)");
  Number(span, "http.response.body.size", random % 100000);
  Text(span, "http.route", route);
  Text(span, "network.peer.address", "192.168.7.21");
  return span;
}

}  // namespace

std::string TraceRequest(std::uint64_t number, std::size_t spans) {
  std::string resource;
  for (const auto& [key, text] : {std::pair{"service.name", "shop"},
                                  {"service.version", "1.14.2"},
                                  {"service.instance.id", "shop-6d5f9c-x2vql"},
                                  {"host.name", "node-7"},
                                  {"k8s.namespace.name", "production"},
                                  {"k8s.pod.name", "shop-6d5f9c-x2vql"},
                                  {"telemetry.sdk.language", "go"},
                                  {"telemetry.sdk.version", "1.28.0"}}) {
    std::string value;
    AppendBytesField(value, 1, text);
    std::string pair;
    AppendBytesField(pair, 1, key);
    AppendBytesField(pair, 2, value);
    AppendBytesField(resource, 1, pair);
  }
  std::string scope;
  for (std::uint64_t i = 0; i < spans; ++i) AppendBytesField(scope, 2, OneSpan(number, i));
  std::string resource_spans;
  AppendBytesField(resource_spans, 1, resource);
  AppendBytesField(resource_spans, 2, scope);
  std::string request;
  AppendBytesField(request, 1, resource_spans);
  return request;
}

}  // namespace wirespan::bench
