// What the span stage costs per exchange and side, metrics included: the time of one exchange's
// OnRequest and OnExchange with a sink that drops the span. `two_ends`: both ends of each exchange
// on this node; `pooled`: a thread per connection with one call inside each request, so that calls
// are held until their request ends.
#include <benchmark/benchmark.h>

#include "agent/metric/red_metrics.h"
#include "agent/span/builder.h"

namespace wirespan {
namespace {

class OneProcess final : public span::ProcessLookup {
 public:
  span::ProcessView Find(std::uint32_t) override { return view_; }
  void NoteInstrumented(std::uint32_t, bool) override {}

 private:
  static span::ProcessView Make() {
    auto resource = std::make_shared<span::Resource>();
    resource->service_name = "bench";
    return {std::move(resource)};
  }
  span::ProcessView view_ = Make();
};

class NoSink final : public span::SpanSink {
 public:
  void Accept(const span::Span& span) override { benchmark::DoNotOptimize(&span); }
};

connection::ConnectionInfo End(std::uint32_t number, bool client, bool local) {
  connection::ConnectionInfo info;
  info.id.cookie = number * 2 + (client ? 1 : 0);
  info.wire_known = true;
  info.local_isn = client ? number : ~number;
  info.remote_isn = client ? ~number : number;
  info.local.family = info.remote.family = connection::Family::kInet;
  info.local.ip = {127, 0, 0, 1};
  info.remote.ip = {127, 0, 0, 1};
  if (!local) info.remote.ip = {198, 51, 100, 7};
  return info;
}

protocol::Exchange Make(bool client, std::uint32_t pid, std::uint32_t tid, std::uint64_t offset,
                        std::uint64_t now) {
  protocol::Exchange exchange;
  exchange.protocol = protocol::Protocol::kHttp1;
  exchange.side = client ? protocol::Side::kClient : protocol::Side::kServer;
  exchange.pid = pid;
  exchange.request_tid = exchange.response_tid = tid;
  exchange.method = "GET";
  exchange.target = "/static/images/logo.png?v=42";
  exchange.host = "127.0.0.1:8080";
  exchange.user_agent = "Mozilla/5.0 (X11; Linux x86_64)";
  exchange.request_offset = offset;
  exchange.wire_exact = true;
  exchange.status = 200;
  exchange.request_start_ns = now - 50'000;
  exchange.response_start_ns = now - 1'000;
  exchange.response_end_ns = now;
  exchange.request_body_bytes = 0;
  exchange.response_body_bytes = 612;
  return exchange;
}

protocol::Exchange MakeCall(std::uint64_t key, std::uint64_t now) {
  protocol::Exchange exchange = Make(false, 10, 10, key * 100, now);
  exchange.protocol = protocol::Protocol::kGrpc;
  exchange.version_major = 2;
  exchange.version_minor = 0;
  exchange.stream_id = static_cast<std::uint32_t>(key * 2 + 1);
  exchange.method = "POST";
  exchange.target = "/shop.v1.CartService/AddItem";
  exchange.host = "cart.shop.svc:50051";
  exchange.user_agent = "grpc-go/1.70.0";
  exchange.scheme = "http";
  exchange.request_content_type = "application/grpc";
  protocol::Rpc rpc;
  rpc.status = 0;
  rpc.request_messages = rpc.response_messages = 1;
  rpc.request_bytes = rpc.response_bytes = 100;
  exchange.rpc = std::move(rpc);
  return exchange;
}

struct Bench {
  telemetry::Registry registry;
  metric::RedMetrics metrics{metric::RedOptions{}, registry};
  OneProcess processes;
  NoSink sink;
  span::SpanStage stage{span::SpanOptions{}, processes, sink, metrics, SystemClock(), registry};
};

// 64 connections from far away served by one thread, as one saturated nginx worker has them.
void RemoteClients(benchmark::State& state) {
  Bench bench;
  std::vector<std::shared_ptr<const connection::ConnectionInfo>> connections;
  for (std::uint32_t i = 0; i < 64; ++i) {
    connections.push_back(
        std::make_shared<const connection::ConnectionInfo>(End(i + 1, false, false)));
  }
  std::uint64_t key = 0;
  for (auto _ : state) {
    const auto& connection = connections[key % 64];
    auto exchange = Make(false, 10, 10, key * 100, SystemClock().monotonic_ns());
    bench.stage.OnRequest(key, *connection, exchange);
    bench.stage.OnExchange(key, {connection, std::move(exchange)});
    ++key;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RemoteClients);

// Unary gRPC calls on 4 connections, 32 open at once.
void RemoteCalls(benchmark::State& state) {
  Bench bench;
  constexpr std::uint64_t kOpen = 32;
  std::vector<std::shared_ptr<const connection::ConnectionInfo>> connections;
  for (std::uint32_t i = 0; i < 4; ++i) {
    connections.push_back(
        std::make_shared<const connection::ConnectionInfo>(End(i + 1, false, false)));
  }
  std::uint64_t key = 0;
  const auto begin = [&] {
    bench.stage.OnRequest(key, *connections[key % 4], MakeCall(key, SystemClock().monotonic_ns()));
    ++key;
  };
  for (std::uint64_t i = 0; i < kOpen; ++i) begin();
  for (auto _ : state) {
    const std::uint64_t ended = key - kOpen;
    bench.stage.OnExchange(ended,
                           {connections[ended % 4], MakeCall(ended, SystemClock().monotonic_ns())});
    begin();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RemoteCalls);

void MakingTheCall(benchmark::State& state) {
  std::uint64_t key = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(MakeCall(key++, SystemClock().monotonic_ns()));
  }
}
BENCHMARK(MakingTheCall);

// What the benchmark itself spends on making the exchange.
void MakingTheExchange(benchmark::State& state) {
  std::uint64_t key = 0;
  const auto connection = std::make_shared<const connection::ConnectionInfo>(End(1, false, false));
  for (auto _ : state) {
    connection::ObservedExchange observed{
        connection, Make(false, 10, 10, key++ * 100, SystemClock().monotonic_ns())};
    benchmark::DoNotOptimize(observed);
  }
}
BENCHMARK(MakingTheExchange);

// Both ends on this node, 64 in flight, both on event loops.
void TwoEnds(benchmark::State& state) {
  Bench bench;
  constexpr std::uint64_t kOpen = 64;
  std::vector<std::shared_ptr<const connection::ConnectionInfo>> clients, servers;
  for (std::uint32_t i = 0; i < kOpen; ++i) {
    clients.push_back(std::make_shared<const connection::ConnectionInfo>(End(i + 1, true, true)));
    servers.push_back(std::make_shared<const connection::ConnectionInfo>(End(i + 1, false, true)));
  }
  std::uint64_t next = 0;
  const auto begin = [&] {
    const std::uint64_t n = next++, now = SystemClock().monotonic_ns();
    bench.stage.OnRequest(n * 2, *clients[n % kOpen], Make(true, 20, 20, n * 100, now));
    bench.stage.OnRequest(n * 2 + 1, *servers[n % kOpen], Make(false, 10, 10, n * 100, now));
  };
  for (std::uint64_t i = 0; i < kOpen; ++i) begin();
  for (auto _ : state) {
    const std::uint64_t n = next - kOpen, now = SystemClock().monotonic_ns();
    bench.stage.OnExchange(n * 2 + 1, {servers[n % kOpen], Make(false, 10, 10, n * 100, now)});
    bench.stage.OnExchange(n * 2, {clients[n % kOpen], Make(true, 20, 20, n * 100, now)});
    begin();
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(TwoEnds);

// A request with one call inside, on a blocking thread: the call's exchange is held.
void NestedCalls(benchmark::State& state) {
  Bench bench;
  const auto server = std::make_shared<const connection::ConnectionInfo>(End(1, false, false));
  const auto client = std::make_shared<const connection::ConnectionInfo>(End(2, true, false));
  std::uint64_t key = 0;
  for (auto _ : state) {
    const std::uint64_t now = SystemClock().monotonic_ns();
    auto served = Make(false, 10, 10, key * 100, now);
    auto called = Make(true, 10, 10, key * 100, now);
    bench.stage.OnRequest(key, *server, served);
    bench.stage.OnRequest(key + 1, *client, called);
    bench.stage.OnExchange(key + 1, {client, std::move(called)});
    bench.stage.OnExchange(key, {server, std::move(served)});
    key += 2;
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(NestedCalls);

}  // namespace
}  // namespace wirespan

BENCHMARK_MAIN();
