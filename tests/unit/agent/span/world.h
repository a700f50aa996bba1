#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/metric/red_metrics.h"
#include "agent/span/attribute_names.h"
#include "agent/span/builder.h"
#include "tests/support/fake_clock.h"

namespace wirespan::span {

// Text of an attribute, "<none>" if absent.
inline std::string Get(const Span& span, std::string_view key) {
  for (const Attribute& attribute : span.attributes) {
    if (attribute.key != key) continue;
    if (const auto text = attribute.value.text()) return std::string(*text);
    if (const auto number = attribute.value.number()) return std::to_string(*number);
    if (const auto flag = attribute.value.truth()) return *flag ? "true" : "false";
  }
  return "<none>";
}

// A node with processes and connections, as the span stage sees one: exchanges begin and end in the
// order of the calls, each a millisecond after the one before.
class World : public ProcessLookup, public SpanSink {
 public:
  using Key = std::uint64_t;

  explicit World(SpanOptions options = {})
      : stage(std::move(options), *this, *this, metrics, clock, registry) {}

  ProcessView Find(std::uint32_t pid) override {
    auto& process = processes[pid];
    if (process.resource == nullptr) {
      auto resource = std::make_shared<Resource>();
      resource->service_name = "service-" + std::to_string(pid);
      resource->pid = pid;
      process.resource = resource;
    }
    return process;
  }
  void NoteInstrumented(std::uint32_t pid, bool exported) override {
    noted.emplace_back(pid, exported);
    if (believe_notes) processes[pid].instrumented = true;
  }
  void Accept(const Span& span) override { spans.push_back(span); }

  // A connection between two sockets of this node (`local`) or with a machine far away.
  static connection::ConnectionInfo End(std::uint32_t number, bool client, bool local = true) {
    connection::ConnectionInfo info;
    info.id.cookie = number * 2 + (client ? 0 : 1);
    info.wire_known = true;
    info.local_isn = client ? number * 1000 : number * 7777;
    info.remote_isn = client ? number * 7777 : number * 1000;
    info.local.family = info.remote.family = connection::Family::kInet;
    info.local.ip = {10, 0, 0, 1};
    info.remote.ip = {10, 9, 9, 9};
    if (local) info.local.ip = info.remote.ip = {127, 0, 0, 1};
    info.local.port = client ? 40000 : 8080;
    info.remote.port = client ? 8080 : 40000;
    return info;
  }

  struct Request {
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    std::uint32_t connection = 0;
    std::string traceparent{};
    std::string target = "/";
    std::uint64_t offset = 0;
    bool local = true;
    std::uint32_t stream = 0;  // of HTTP/2; 0: HTTP/1.1
  };
  Key Client(const Request& request) { return Begin(request, true); }
  Key Server(const Request& request) { return Begin(request, false); }

  void Finish(Key key, int status = 200, std::optional<std::uint32_t> response_tid = {}) {
    clock.Advance(1'000'000);
    connection::ObservedExchange observed = open.at(key);
    open.erase(key);
    protocol::Exchange& exchange = observed.exchange;
    exchange.status = status;
    exchange.response_tid = response_tid.value_or(exchange.request_tid);
    exchange.response_start_ns = exchange.response_end_ns = clock.monotonic_ns();
    stage.OnExchange(key, std::move(observed));
  }

  // Nothing below waits for time to pass.
  void Later(std::uint64_t ns = 200'000'000) {
    clock.Advance(ns);
    stage.Tick();
  }

  const Span* Of(std::uint32_t pid, Kind kind, std::size_t nth = 0) const {
    for (const Span& span : spans) {
      if (span.resource->pid == pid && span.kind == kind && nth-- == 0) return &span;
    }
    return nullptr;
  }
  double Metric(std::string_view name, const telemetry::Labels& labels = {}) const {
    return registry.Value(name, labels);
  }
  bool LedgerCloses() const {
    double out = Metric("wirespan_span_spans_total") + Metric("wirespan_span_held");
    for (const char* reason : {"excluded", "telemetry", "ignored", "instrumented", "disabled",
                               "sampled_out", "rate_limited"}) {
      out += Metric("wirespan_span_dropped_total", {{"reason", reason}});
    }
    return out == Metric("wirespan_span_exchanges_total");
  }

  testing::FakeClock clock;
  telemetry::Registry registry;
  metric::RedMetrics metrics{metric::RedOptions{}, registry};
  std::map<std::uint32_t, ProcessView> processes;
  std::vector<std::pair<std::uint32_t, bool>> noted;
  bool believe_notes = true;
  std::vector<Span> spans;
  std::map<Key, connection::ObservedExchange> open;
  SpanStage stage;

 private:
  Key Begin(const Request& request, bool client) {
    clock.Advance(1'000'000);
    protocol::Exchange exchange;
    exchange.protocol = protocol::Protocol::kHttp1;
    exchange.side = client ? protocol::Side::kClient : protocol::Side::kServer;
    exchange.pid = request.pid;
    exchange.request_tid = request.tid;
    exchange.method = "GET";
    exchange.target = request.target;
    exchange.host = "localhost:8080";
    exchange.traceparent = request.traceparent;
    exchange.request_offset = request.offset;
    if (request.stream != 0) {
      exchange.protocol = protocol::Protocol::kHttp2;
      exchange.version_major = 2;
      exchange.version_minor = 0;
      exchange.stream_id = request.stream;
    }
    exchange.wire_exact = true;
    exchange.request_start_ns = exchange.request_end_ns = clock.monotonic_ns();
    const auto info = std::make_shared<const connection::ConnectionInfo>(
        End(request.connection, client, request.local));
    const Key key = ++next_key_;
    open[key] = {info, exchange};
    stage.OnRequest(key, *info, exchange);
    return key;
  }
  Key next_key_ = 0;
};

}  // namespace wirespan::span
