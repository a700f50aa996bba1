// What it costs to find out what all processes hold (agent/process/coverage.h), on the machine as
// it is: by /proc, and as the kernel tells it (root alone). `./dev bench coverage` adds network
// namespaces.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include "agent/kernel/live_source.h"
#include "agent/process/coverage.h"

namespace {

using namespace wirespan;

void Report(benchmark::State& state, const process::CoverageReport& report) {
  std::size_t sockets = 0;
  for (const auto& process : report.processes)
    sockets += process.tcp_connections + process.unix_connections + process.listening.size();
  state.counters["processes"] = static_cast<double>(report.processes.size());
  state.counters["sockets"] = static_cast<double>(sockets);
}

void CoverageByProc(benchmark::State& state) {
  process::CoverageReport report;
  for (auto _ : state) benchmark::DoNotOptimize(report = process::TakeCoverage());
  Report(state, report);
}
BENCHMARK(CoverageByProc)->Unit(benchmark::kMillisecond);

void CoverageByKernel(benchmark::State& state) {
  auto source = kernel::LiveSource::Create({});
  if (!source) {
    state.SkipWithError(source.error().message.c_str());
    return;
  }
  bool whole = true;
  const process::HeldFiles kernel = [&](const auto& visit) {
    whole = (*source)->ForEachHeldFile(visit);
    return whole;
  };
  process::CoverageReport report;
  for (auto _ : state) benchmark::DoNotOptimize(report = process::TakeCoverage({}, {}, kernel));
  if (!whole) state.SkipWithError("the kernel does not tell everything here");
  Report(state, report);
}
BENCHMARK(CoverageByKernel)->Unit(benchmark::kMillisecond);

// The kernel's part of it.
void Census(benchmark::State& state) {
  auto source = kernel::LiveSource::Create({});
  if (!source) {
    state.SkipWithError(source.error().message.c_str());
    return;
  }
  std::size_t files = 0;
  for (auto _ : state) {
    files = 0;
    (*source)->ForEachHeldFile([&](const process::HeldFile&) { ++files; });
  }
  state.counters["files"] = static_cast<double>(files);
}
BENCHMARK(Census)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
