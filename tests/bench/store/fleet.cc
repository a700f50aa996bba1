#include "tests/bench/store/fleet.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "common/otlp/wire.h"

namespace wirespan::bench {

namespace {

using otlp::Writer;

std::uint64_t Mixed(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string Bytes(std::uint64_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

void Text(Writer& out, std::uint32_t number, std::string_view key, std::string_view text) {
  const Writer::Mark pair = out.Begin(number, 40);
  out.Bytes(1, key);
  const Writer::Mark value = out.Begin(2, 30);
  out.Bytes(1, text);
  out.End(value);
  out.End(pair);
}

void Number(Writer& out, std::string_view key, std::uint64_t number) {
  const Writer::Mark pair = out.Begin(9, 40);
  out.Bytes(1, key);
  const Writer::Mark value = out.Begin(2, 8);
  out.Varint(3, number);
  out.End(value);
  out.End(pair);
}

void Span(Writer& out, std::uint64_t trace, std::uint64_t index) {
  const std::uint64_t random = Mixed(trace * kTraceSpans + index);
  const std::string route = OperationName(random % 40);
  const std::uint64_t start_ns = kFirstNs + trace * 8'000'000 + index * 500'000;
  // One in a thousand is slow.
  const std::uint64_t duration_ns = random % 20'000'000 + (random % 1000 == 7 ? 2'000'000'000 : 0);
  const Writer::Mark mark = out.Begin(2, 450);
  out.Bytes(1, TraceIdOf(trace));
  out.Bytes(2, Bytes(random));
  if (index > 0) out.Bytes(4, Bytes(Mixed(trace * kTraceSpans + (index - 1) / 2)));
  out.Bytes(5, route);
  out.Varint(6, index % 2 == 0 ? 2 : 3);
  out.Fixed64(7, start_ns);
  out.Fixed64(8, start_ns + duration_ns);
  Text(out, 9, "http.request.method", "GET");
  Text(out, 9, "url.path", fmt::format("/api/items/{}", random % 100000));
  Text(out, 9, "url.scheme", "https");
  Number(out, "http.response.status_code", random % 50 == 0 ? 500 : 200);
  Text(out, 9, "server.address", "shop.example.com");
  Number(out, "server.port", 443);
  Text(out, 9, "client.address", fmt::format("10.1.{}.{}", random % 200, random / 200 % 250));
  Text(out, 9, "network.protocol.version", "1.1");
  Text(out, 9, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)");
  Number(out, "http.response.body.size", random % 100000);
  Text(out, 9, "user.id", fmt::format("u{}", random % kUsers));
  Text(out, 9, "http.route", route);
  if (random % 50 == 0) {
    const Writer::Mark status = out.Begin(15, 2);
    out.Varint(3, 2);
    out.End(status);
  }
  out.End(mark);
}

}  // namespace

std::string TraceIdOf(std::uint64_t number) { return Bytes(Mixed(number)) + Bytes(Mixed(~number)); }

std::string ServiceName(std::uint64_t number) { return fmt::format("service-{}", number); }

std::string OperationName(std::uint64_t number) { return fmt::format("GET /api/v1/{}", number); }

std::string TraceOf(std::uint64_t number) {
  Writer out;
  for (std::uint64_t part = 0; part < 4; ++part) {
    const std::string service = ServiceName((Mixed(number) + part * 3) % kServices);
    const Writer::Mark group = out.Begin(1, 1200);
    const Writer::Mark resource = out.Begin(1, 200);
    Text(out, 1, "service.name", service);
    Text(out, 1, "service.version", "1.14.2");
    Text(out, 1, "host.name", fmt::format("node-{}", number % 9));
    Text(out, 1, "k8s.namespace.name", "production");
    Text(out, 1, "k8s.pod.name", fmt::format("{}-6d5f9c-{}", service, number % 3));
    out.End(resource);
    const Writer::Mark scope = out.Begin(2, 900);
    Span(out, number, part * 2);
    Span(out, number, part * 2 + 1);
    out.End(scope);
    out.End(group);
  }
  return out.Take();
}

}  // namespace wirespan::bench
