#include <benchmark/benchmark.h>

#include "agent/export/encoder.h"
#include "common/otlp/compress.h"
#include "common/otlp/walk.h"
#include "tests/unit/agent/export/sample_spans.h"

namespace wirespan::exporting {
namespace {

constexpr int kBatch = 1000;

// One span of 14 attributes, batches of 1000 taken out; the time is a span's.
void EncodeSpan(benchmark::State& state) {
  const span::Span span = SampleSpan(SampleResource("shop"));
  SpanEncoder encoder;
  std::size_t bytes = 0;
  for (auto _ : state) {
    encoder.Add(span);
    if (encoder.spans() == kBatch) {
      const std::string request = encoder.Take();
      bytes += request.size();
      benchmark::DoNotOptimize(request.data());
    }
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(EncodeSpan);

std::string Request() {
  SpanEncoder encoder;
  for (int i = 0; i < kBatch; ++i) {
    span::Span span = SampleSpan(SampleResource("shop"), static_cast<std::uint8_t>(i));
    for (std::size_t b = 0; b < 16; ++b)
      span.trace_id[b] = static_cast<std::uint8_t>(i * 31 + static_cast<int>(b) * 17);
    span.start_ns += static_cast<std::uint64_t>(i) * 12345;
    encoder.Add(span);
  }
  return encoder.Take();
}

// The time is of a batch of 1000 spans.
void Compress(benchmark::State& state) {
  const std::string request = Request();
  otlp::Compressor compressor;
  std::string out;
  for (auto _ : state)
    compressor.Compress(static_cast<otlp::Encoding>(state.range(0)), request, out);
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.counters["ratio"] = static_cast<double>(request.size()) / static_cast<double>(out.size());
}
BENCHMARK(Compress)
    ->Arg(static_cast<int>(otlp::Encoding::kGzip))
    ->Arg(static_cast<int>(otlp::Encoding::kZstd));

void Walk(benchmark::State& state) {
  const std::string request = Request();
  const auto depth = static_cast<otlp::WalkDepth>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(otlp::Walk(otlp::Signal::kTraces, request, depth));
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(Walk)
    ->Arg(static_cast<int>(otlp::WalkDepth::kItems))
    ->Arg(static_cast<int>(otlp::WalkDepth::kAll));

}  // namespace
}  // namespace wirespan::exporting

BENCHMARK_MAIN();
