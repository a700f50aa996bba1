// The embedded store without the gateway around it: how fast it takes spans, how large they become,
// how long questions take while nothing else and while more spans come.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "common/base/clock.h"
#include "gateway/sink/store/trace_store.h"
#include "tests/bench/store/feeder.h"
#include "tests/bench/store/fleet.h"
#include "tests/bench/store/questions.h"

namespace wirespan::bench {
namespace {

using gateway::store::TraceStore;
using std::chrono::steady_clock;

struct Options {
  std::string folder{};
  std::uint64_t spans = 20'000'000;
  std::uint64_t request_spans = 1000;
  std::uint64_t rate = 50'000;
  int times = 200;
  bool print = false;
  bool filled = false;
};

double Seconds(steady_clock::time_point since) {
  return std::chrono::duration<double>(steady_clock::now() - since).count();
}

std::uint64_t PeakMib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) >> 10;
}

// Feeds all spans and tells what they cost, of all and of the dearest million.
void Fill(const TraceStore& store, Feeder& feeder, std::uint64_t spans) {
  constexpr std::uint64_t kStretch = 1'000'000;
  const auto begin = steady_clock::now();
  const auto own_cpu = [&] { return CpuSeconds() - feeder.build_seconds(); };
  const double cpu = own_cpu();
  double dearest = 0;
  double stretch_cpu = cpu;
  std::uint64_t stretch_spans = 0;
  while (feeder.spans() < spans) {
    feeder.Feed();
    if (feeder.spans() - stretch_spans < kStretch) continue;
    const double cost = (own_cpu() - stretch_cpu) / double(feeder.spans() - stretch_spans);
    dearest = std::max(dearest, cost);
    stretch_cpu = own_cpu();
    stretch_spans = feeder.spans();
  }
  feeder.Wait();
  const double wall = Seconds(begin);
  const double cost = (own_cpu() - cpu) / double(feeder.spans());
  const auto counts = store.counts();
  fmt::print(
      "{} spans of {:.0f} bytes, {} failed requests, {} written: {:.1f} s, {:.0f} spans/s with the "
      "generator\nCPU of the store {:.2f} us a span: {:.0f} spans/s on one core; the dearest "
      "million {:.2f} us\n{} blocks, {:.1f} bytes a span on disk; peak RSS {} MiB\n",
      feeder.spans(), double(feeder.bytes()) / double(feeder.spans()), feeder.failed(),
      counts.written, wall, double(feeder.spans()) / wall, cost * 1e6, 1 / cost, dearest * 1e6,
      counts.blocks, double(counts.disk_bytes) / double(counts.spans), PeakMib());
  std::fflush(stdout);
}

// Asks while `rate` spans a second come.
void AskWhileFed(const TraceStore& store, const Fleet& fleet, Feeder& feeder,
                 const Options& options) {
  const std::uint64_t traces = feeder.traces();
  const std::uint64_t before = feeder.spans();
  const auto begin = steady_clock::now();
  double took = 0;
  std::jthread more([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      feeder.Feed();
      const double due = double(feeder.spans() - before) / double(options.rate);
      const double now = Seconds(begin);
      if (due > now) std::this_thread::sleep_for(std::chrono::duration<double>(due - now));
    }
    took = Seconds(begin);
  });
  fmt::print("while {} more come a second:\n", options.rate);
  AskAll(store, fleet, traces, options.times);
  more.request_stop();
  more.join();
  feeder.Wait();
  fmt::print("{:.0f} spans/s came, {} failed requests; peak RSS {} MiB\n",
             double(feeder.spans() - before) / took, feeder.failed(), PeakMib());
}

// Requests for another program: each is a length (u32, little-endian) and its bytes.
int Print(const Fleet& fleet, const Options& options) {
  std::uint64_t trace = 0;
  for (std::uint64_t spans = 0; spans < options.spans;) {
    std::string request;
    for (const std::uint64_t end = spans + options.request_spans; spans < end; ++trace) {
      request += fleet.Trace(trace);
      spans += Fleet::SpansOf(trace);
    }
    const auto length = static_cast<std::uint32_t>(request.size());
    std::fwrite(&length, sizeof(length), 1, stdout);
    if (std::fwrite(request.data(), 1, length, stdout) != length) return 1;
  }
  return 0;
}

// When the fleet began: so that the last span begins about now, for older ones would not be in
// rates. Beside a folder that was filled before stands when that was.
std::uint64_t FirstNs(const Options& options) {
  std::uint64_t first_ns = SystemClock().realtime_ns() - options.spans / kMeanSpans * kTraceEveryNs;
  const std::string path = options.folder + ".fleet";
  if (options.filled) {
    std::ifstream(path) >> first_ns;
  } else if (!options.print) {
    std::ofstream(path) << first_ns << "\n";
  }
  return first_ns;
}

int Run(const Options& options) {
  const Fleet fleet(FirstNs(options));
  if (options.print) return Print(fleet, options);
  auto disk = queue::OpenFolder(options.folder);
  if (!disk) return fmt::print(stderr, "{}\n", disk.error().message), 1;
  auto opened = TraceStore::Open(
      std::move(*disk), {.directory = options.folder, .max_disk_bytes = std::uint64_t{1} << 40});
  if (!opened) return fmt::print(stderr, "{}\n", opened.error().message), 1;
  TraceStore& store = **opened;
  Feeder feeder(store, fleet, options.request_spans);
  if (options.filled) {
    feeder.Skip(options.spans);
  } else {
    Fill(store, feeder, options.spans);
  }
  AskAll(store, fleet, feeder.traces(), options.times);
  AskWhileFed(store, fleet, feeder, options);
  return 0;
}

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app{"Load for the embedded store", "store_load"};
  Options options;
  app.add_option("folder", options.folder, "Empty");
  app.add_option("--spans", options.spans);
  app.add_option("--request-spans", options.request_spans);
  app.add_option("--rate", options.rate, "Spans a second that come while questions are asked");
  app.add_option("--times", options.times, "Questions of each kind");
  app.add_flag("--filled", options.filled, "Only ask: an earlier run left its spans in the folder");
  app.add_flag("--print", options.print, "Write the requests to standard output instead");
  CLI11_PARSE(app, argc, argv);
  if (options.folder.empty() && !options.print) return fmt::print(stderr, "a folder, please\n"), 2;
  return Run(options);
}

}  // namespace wirespan::bench

int main(int argc, char** argv) { return wirespan::bench::Main(argc, argv); }
