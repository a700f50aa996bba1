// What an exchange costs from event to exchange: parsing, and the whole connection stage.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "agent/connection/connection_table.h"
#include "agent/protocol/http1/head.h"
#include "tests/support/fake_clock.h"

namespace wirespan {
namespace {

const std::string kRequest =
    "GET /index.html?id=17 HTTP/1.1\r\nHost: shop.example.com:8080\r\nUser-Agent: Mozilla/5.0 "
    "(X11; Linux x86_64)\r\n"
    "Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate, "
    "br\r\nAccept-Language: en\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nCookie: a=b; "
    "c=d\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 19:00:00 "
    "GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 612\r\nLast-Modified: Mon, 23 Nov 2026 18:00:00 GMT\r\nConnection: "
    "keep-alive\r\n"
    "ETag: \"63f0-264\"\r\nAccept-Ranges: bytes\r\n\r\n";
const std::string kWrkRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

void ParseRequest(benchmark::State& state) {
  http1::RequestHead head;
  for (auto _ : state) {
    benchmark::DoNotOptimize(http1::ParseRequestHead(kRequest, head));
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(ParseRequest);

void ParseResponse(benchmark::State& state) {
  http1::ResponseHead head;
  for (auto _ : state) {
    benchmark::DoNotOptimize(http1::ParseResponseHead(kResponse, head));
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(ParseResponse);

class Sink final : public connection::ExchangeObserver {
 public:
  void OnRequest(std::uint64_t, const connection::ConnectionInfo&,
                 const protocol::Exchange&) override {}
  void OnExchange(std::uint64_t, connection::ObservedExchange exchange) override {
    benchmark::DoNotOptimize(exchange);
    ++count;
  }
  std::size_t count = 0;
};

// state.range(0): connections in turn. Each exchange is a read and two writes (head, then a body
// that passes unseen).
void Exchange(benchmark::State& state, const std::string& request) {
  testing::FakeClock clock;
  telemetry::Registry registry;
  Sink sink;
  connection::ConnectionTable table({}, clock, sink, registry);
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> offsets(n);
  std::uint64_t now = 1;
  for (std::size_t i = 0; i < n; ++i)
    table.OnEvent(connection::OpenEvent{.conn = {i + 1}, .ts_ns = now, .pid = 1});
  connection::Event event = connection::DataEvent{};
  auto& data = std::get<connection::DataEvent>(event);
  std::size_t i = 0;
  for (auto _ : state) {
    data = {};
    data.conn = {i + 1};
    data.pid = data.tid = 1;
    data.ts_ns = ++now;
    data.direction = connection::Direction::kRead;
    data.offset = offsets[i].first;
    data.end_offset = offsets[i].first += request.size();
    data.captured = request;
    table.OnEvent(event);
    data.ts_ns = ++now;
    data.direction = connection::Direction::kWrite;
    data.offset = offsets[i].second;
    data.end_offset = offsets[i].second += kResponse.size();
    data.captured = kResponse;
    table.OnEvent(event);
    data.ts_ns = ++now;
    data.offset = offsets[i].second;
    data.end_offset = offsets[i].second += 612;
    data.captured = {};
    table.OnEvent(event);
    if (++i == n) i = 0;
  }
  if (sink.count != static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("exchanges are missing");
}
BENCHMARK_CAPTURE(Exchange, browser, kRequest)->Arg(1)->Arg(32)->Arg(10000);
BENCHMARK_CAPTURE(Exchange, wrk, kWrkRequest)->Arg(32);

}  // namespace
}  // namespace wirespan

BENCHMARK_MAIN();
