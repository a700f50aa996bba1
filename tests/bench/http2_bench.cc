// What a unary gRPC call costs from event to exchange, in the whole connection stage.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "agent/connection/connection_table.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/agent/connection/http2_script.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// Counted here; the compiler need not pair them with the library's.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* out = std::malloc(size);
  if (out == nullptr) throw std::bad_alloc();
  return out;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace wirespan {
namespace {

using namespace connection;

class Sink final : public ExchangeObserver {
 public:
  void OnRequest(std::uint64_t, const ConnectionInfo&, const protocol::Exchange&) override {}
  void OnExchange(std::uint64_t, ObservedExchange exchange) override {
    benchmark::DoNotOptimize(exchange);
    ++count;
  }
  std::size_t count = 0;
};

// As a client of gRPC writes them once its table is warm: indices, and a literal of a few bytes.
//   :method POST, :scheme http, then 62.. of the table
constexpr char kWarm[] = "\x83\x86\xc4\xc3\xc2\xc1\xc0\xbf\xbe";

std::string ColdRequest() {
  std::string out = "\x83\x86";
  for (const auto& [index, value] : {std::pair{'\x44', "/bench.Service/Unary"},
                                     {'\x41', "127.0.0.1:50051"},
                                     {'\x5f', "application/grpc"},
                                     {'\x7a', "grpc-go/1.60.1"}}) {
    out += index;
    out += static_cast<char>(std::string_view(value).size());
    out += value;
  }
  for (const auto& [name, value] : {std::pair{"te", "trailers"}, {"x-a", "b"}, {"x-c", "d"}}) {
    out += '\x40';
    for (const std::string_view text : {std::string_view(name), std::string_view(value)}) {
      out += static_cast<char>(text.size());
      out += text;
    }
  }
  return out;
}

// A call: one read of HEADERS and DATA, one write of HEADERS, DATA and trailers. state.range(0):
// connections in turn.
void UnaryCall(benchmark::State& state) {
  testing::FakeClock clock;
  telemetry::Registry registry;
  Sink sink;
  ConnectionTable table({}, clock, sink, registry);
  struct One {
    std::uint64_t read = 0;
    std::uint64_t write = 0;
    std::uint32_t stream = 1;
  };
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<One> all(n);
  std::uint64_t now = 1;
  Event event = DataEvent{};
  auto& data = std::get<DataEvent>(event);
  const auto send = [&](std::size_t i, Direction direction, std::string_view bytes) {
    std::uint64_t& offset = direction == Direction::kRead ? all[i].read : all[i].write;
    data = {};
    data.conn = {i + 1};
    data.pid = data.tid = 1;
    data.ts_ns = ++now;
    data.direction = direction;
    data.offset = offset;
    data.end_offset = offset += bytes.size();
    data.captured = bytes;
    table.OnEvent(event);
  };
  using http2::FrameType;
  const auto headers = [](std::uint32_t stream, std::string_view block) {
    return script::Frame(FrameType::kHeaders, http2::kEndHeaders, stream, block);
  };
  const std::string message = script::Grpc(std::string(100, 'm'));
  std::string request = headers(3, std::string(kWarm)) + script::Data(3, message, true);
  std::string answer = script::GrpcOk(3) + script::Data(3, message) + script::Trailers(3, "0");
  const auto place = [](std::string& frames, std::uint32_t stream) {
    for (std::size_t at = 0; at < frames.size();) {
      const std::string number = script::Number(stream, 4);
      frames.replace(at + 5, 4, number);
      http2::FrameHeader header;
      http2::ParseFrameHeader(std::string_view(frames).substr(at), header);
      at += http2::kFrameHeaderBytes + header.length;
    }
  };
  for (std::size_t i = 0; i < n; ++i) {
    table.OnEvent(OpenEvent{.conn = {i + 1}, .ts_ns = now, .pid = 1});
    send(i, Direction::kRead,
         script::Hello() + headers(1, ColdRequest()) + script::Data(1, message, true));
    send(i, Direction::kWrite,
         script::Settings() + script::GrpcOk(1) + script::Data(1, message) +
             script::Trailers(1, "0"));
  }
  const std::size_t before = sink.count;
  const std::size_t allocated = allocations;
  std::size_t i = 0;
  for (auto _ : state) {
    const std::uint32_t stream = all[i].stream += 2;
    place(request, stream);
    place(answer, stream);
    send(i, Direction::kRead, request);
    send(i, Direction::kWrite, answer);
    if (++i == n) i = 0;
  }
  if (sink.count - before != static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("exchanges are missing");
  state.counters["allocations"] =
      static_cast<double>(allocations - allocated) / static_cast<double>(state.iterations());
}
BENCHMARK(UnaryCall)->Arg(1)->Arg(32)->Arg(10000);

}  // namespace
}  // namespace wirespan

BENCHMARK_MAIN();
