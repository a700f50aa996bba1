#include "tests/bench/store/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/otlp/wire.h"

namespace wirespan::bench {

namespace {

using otlp::Writer;

constexpr std::uint32_t kInternalKind = 1;
constexpr std::uint32_t kServerKind = 2;
constexpr std::uint32_t kClientKind = 3;

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

// One span of a trace, and what it is made of.
struct Place {
  std::uint64_t trace = 0;
  std::uint64_t index = 0;   // in the trace; hops are at even ones
  std::uint64_t random = 0;  // the span's own, and its id

  std::uint64_t hop() const { return index / 2; }
  bool serves() const { return index % 2 == 0; }
  bool failed() const { return random % 50 == 0; }
  std::uint64_t service(std::uint64_t hops_on = 0) const {
    return (Mixed(trace) + (hop() + hops_on) * 7) % kServices;
  }
};

std::uint64_t SpanIdOf(std::uint64_t trace, std::uint64_t index) {
  return Mixed(trace * 16 + index);
}

void ServerTags(Writer& out, const Place& at, std::string_view route) {
  constexpr std::array<std::string_view, 4> kAgents = {
      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15", "okhttp/5.1.0",
      "Go-http-client/2.0"};
  const std::uint64_t random = at.random;
  Text(out, 9, "http.request.method", random % 3 == 0 ? "POST" : "GET");
  Text(out, 9, "url.path", fmt::format("/api/v1/items/{}", random % 100000));
  Text(out, 9, "url.scheme", "https");
  Number(out, "http.response.status_code", at.failed() ? 500 : 200);
  Text(out, 9, "server.address", "shop.example.com");
  Number(out, "server.port", 443);
  Text(out, 9, "client.address", fmt::format("10.1.{}.{}", random % 200, random / 200 % 250));
  Text(out, 9, "network.protocol.version", "1.1");
  Text(out, 9, "user_agent.original", kAgents[random / 7 % kAgents.size()]);
  Number(out, "http.response.body.size", random % 100000);
  Text(out, 9, "user.id", fmt::format("u{}", Mixed(at.trace) / kServices % kUsers));
  Text(out, 9, "http.route", route);
}

void ClientTags(Writer& out, const Place& at) {
  const std::string peer = ServiceName(at.service(1));
  Text(out, 9, "http.request.method", "GET");
  Text(out, 9, "url.full", fmt::format("https://{}/api/v1/items/{}", peer, at.random % 100000));
  Number(out, "http.response.status_code", at.failed() ? 503 : 200);
  Text(out, 9, "server.address", peer);
  Number(out, "server.port", 8443);
  Text(out, 9, "network.peer.address",
       fmt::format("10.2.{}.{}", at.service(1), at.random / 200 % 3));
  Text(out, 9, "network.protocol.version", "2");
  Number(out, "http.request.resend_count", at.failed() ? 2 : 0);
  Text(out, 9, "thread.name", fmt::format("worker-{}", at.random % 32));
}

void DatabaseTags(Writer& out, const Place& at) {
  const std::uint64_t table = at.random % 60;
  Text(out, 9, "db.system.name", "postgresql");
  Text(out, 9, "db.namespace", "shop");
  Text(out, 9, "db.operation.name", "SELECT");
  Text(out, 9, "db.collection.name", fmt::format("items_{}", table));
  Text(out, 9, "db.query.text",
       fmt::format("SELECT id, name, price, stock FROM items_{} WHERE id = $1 AND deleted = false",
                   table));
  Number(out, "db.response.returned_rows", at.random % 100);
  Text(out, 9, "server.address", "db.example.com");
  Number(out, "server.port", 5432);
  Text(out, 9, "thread.name", fmt::format("worker-{}", at.random % 32));
}

void Exception(Writer& out, std::uint64_t time_ns) {
  const Writer::Mark event = out.Begin(11, 300);
  out.Fixed64(1, time_ns);
  out.Bytes(2, "exception");
  Text(out, 3, "exception.type", "com.example.shop.UpstreamException");
  Text(out, 3, "exception.message", "the upstream did not answer in time");
  Text(out, 3, "exception.stacktrace",
       "com.example.shop.UpstreamException: the upstream did not answer in time\n"
       "\tat com.example.shop.Client.call(Client.java:211)\n"
       "\tat com.example.shop.Items.find(Items.java:87)\n");
  out.End(event);
}

void Span(Writer& out, const Place& at, std::uint64_t first_ns, bool last) {
  const std::uint64_t start_ns = first_ns + at.trace * kTraceEveryNs + at.index * 500'000;
  const std::uint64_t duration_ns =
      at.random % 20'000'000 + (at.random % 1000 == 7 ? 2'000'000'000 : 0);
  const std::string route = OperationName(at.service(), at.random / 64 % kOperations);
  const bool database = !at.serves() && last;
  const Writer::Mark mark = out.Begin(2, 500);
  out.Bytes(1, TraceIdOf(at.trace));
  out.Bytes(2, Bytes(at.random));
  if (at.index > 0) out.Bytes(4, Bytes(SpanIdOf(at.trace, at.index - 1)));
  out.Bytes(5, at.serves() ? std::string_view(route) : database ? "SELECT shop" : "GET");
  out.Varint(6, at.serves() ? kServerKind : database ? kInternalKind : kClientKind);
  out.Fixed64(7, start_ns);
  out.Fixed64(8, start_ns + duration_ns);
  if (at.serves()) {
    ServerTags(out, at, route);
  } else if (database) {
    DatabaseTags(out, at);
  } else {
    ClientTags(out, at);
  }
  if (at.failed()) {
    if (at.random % 3 == 0) Exception(out, start_ns + duration_ns);
    const Writer::Mark status = out.Begin(15, 30);
    out.Bytes(2, "upstream timed out");
    out.Varint(3, 2);
    out.End(status);
  }
  out.End(mark);
}

void Resource(Writer& out, const Place& at) {
  const std::string service = ServiceName(at.service());
  const std::uint64_t pod = at.trace % 3;
  const Writer::Mark resource = out.Begin(1, 250);
  Text(out, 1, "service.name", service);
  Text(out, 1, "service.version", "1.14.2");
  Text(out, 1, "service.instance.id", fmt::format("{}-{}", service, pod));
  Text(out, 1, "host.name", fmt::format("node-{}", (at.service() + pod) % 20));
  Text(out, 1, "k8s.namespace.name", "production");
  Text(out, 1, "k8s.pod.name", fmt::format("{}-6d5f9c-{}", service, pod));
  out.End(resource);
}

}  // namespace

std::uint64_t Fleet::SpansOf(std::uint64_t trace) { return 3 + Mixed(~trace) % 11; }

std::string TraceIdOf(std::uint64_t trace) { return Bytes(Mixed(trace)) + Bytes(Mixed(~trace)); }

std::string ServiceName(std::uint64_t number) { return fmt::format("service-{}", number); }

std::string OperationName(std::uint64_t service, std::uint64_t number) {
  return fmt::format("GET /api/v1/{}/{}", service % 10, number);
}

std::string Fleet::Trace(std::uint64_t trace) const {
  Writer out;
  const std::uint64_t spans = SpansOf(trace);
  for (std::uint64_t index = 0; index < spans;) {
    const Place first{.trace = trace, .index = index};
    const Writer::Mark group = out.Begin(1, 1200);
    Resource(out, first);
    const Writer::Mark scope = out.Begin(2, 1000);
    const Writer::Mark library = out.Begin(1, 60);
    out.Bytes(1, "io.opentelemetry.netty-4.1");
    out.Bytes(2, "2.18.1");
    out.End(library);
    for (const std::uint64_t end = std::min(spans, index + 2); index < end; ++index) {
      Span(out, {.trace = trace, .index = index, .random = SpanIdOf(trace, index)}, first_ns_,
           index + 1 == spans);
    }
    out.End(scope);
    out.End(group);
  }
  return out.Take();
}

}  // namespace wirespan::bench
