// The embedded store without the gateway around it: how fast it takes spans, how large they become,
// how long questions take while nothing else and while more spans come.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "gateway/sink/store/trace_store.h"
#include "tests/bench/store/fleet.h"

namespace wirespan::bench {
namespace {

using gateway::store::QueryLimits;
using gateway::store::TraceQuery;
using gateway::store::TraceStore;
using std::chrono::steady_clock;

double Seconds(steady_clock::time_point since) {
  return std::chrono::duration<double>(steady_clock::now() - since).count();
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Appends requests with so many under way at a time.
class Feeder {
 public:
  Feeder(TraceStore& store, std::uint64_t traces_in_request)
      : store_(store), traces_in_request_(traces_in_request) {}

  // Builds the request (its time is not the store's: see `build_seconds`) and hands it over.
  void Feed(std::uint64_t first_trace) {
    const double before = CpuThread();
    std::string request;
    for (std::uint64_t i = 0; i < traces_in_request_; ++i) request += TraceOf(first_trace + i);
    build_seconds += CpuThread() - before;
    bytes += request.size();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return under_way_ < 32; });
      ++under_way_;
    }
    store_.Append(std::move(request), [this](Result<> written) {
      const std::lock_guard lock(mutex_);
      --under_way_;
      if (!written) ++failed;
      changed_.notify_all();
    });
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
  }

  double build_seconds = 0;
  std::uint64_t bytes = 0;
  std::uint64_t failed = 0;

 private:
  static double CpuThread() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }

  TraceStore& store_;
  const std::uint64_t traces_in_request_;
  std::mutex mutex_;  // guards under_way_ and failed
  std::condition_variable changed_;
  int under_way_ = 0;
};

void Ask(const char* name, int times, const std::function<std::size_t(std::mt19937_64&)>& ask) {
  std::mt19937_64 random(9);
  std::vector<double> took;
  std::size_t found = 0;
  for (int i = 0; i < times; ++i) {
    const auto begin = steady_clock::now();
    found += ask(random);
    took.push_back(Seconds(begin) * 1000);
  }
  std::sort(took.begin(), took.end());
  const auto at = [&](std::size_t percent) { return took[(took.size() - 1) * percent / 100]; };
  fmt::print("{:<44} p50 {:8.2f} ms   p95 {:8.2f} ms   max {:8.2f} ms   {:.1f} traces each\n", name,
             at(50), at(95), took.back(), static_cast<double>(found) / times);
}

void AskAll(const TraceStore& store, std::uint64_t traces, int times) {
  const std::uint64_t span_ns = traces * 8'000'000;
  const auto search = [&](TraceQuery query) {
    query.limit = 20;
    return store.Search(query, QueryLimits{}).traces.size();
  };
  const auto windowed = [&](TraceQuery query, std::mt19937_64& random) {
    query.start_min_ns = kFirstNs + random() % span_ns;
    query.start_max_ns = query.start_min_ns + 3600ull * 1'000'000'000;
    return search(std::move(query));
  };
  Ask("trace by id", times, [&](auto& random) {
    const auto id = gateway::store::ToTraceId(TraceIdOf(random() % traces));
    return store.Get(std::span(&id, 1), {}).traces.size();
  });
  Ask("service, operation, an hour", times, [&](auto& random) {
    return windowed(
        {.service = ServiceName(random() % kServices), .operation = OperationName(random() % 40)},
        random);
  });
  Ask("service, slower than 1 s, an hour", times, [&](auto& random) {
    return windowed(
        {.service = ServiceName(random() % kServices), .duration_min_ns = 1'000'000'000}, random);
  });
  Ask("service, a user of 50,000, all times", times, [&](auto& random) {
    return search({.service = ServiceName(random() % kServices),
                   .tags = {{"user.id", fmt::format("u{}", random() % kUsers)}}});
  });
  Ask("service, a user that is not there", times, [&](auto& random) {
    return search({.service = ServiceName(random() % kServices),
                   .tags = {{"user.id", fmt::format("u{}", kUsers + random() % kUsers)}}});
  });
  Ask("service, errors, all times", times, [&](auto& random) {
    return search({.service = ServiceName(random() % kServices), .tags = {{"error", "true"}}});
  });
}

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app{"Load for the embedded store", "store_load"};
  std::string folder;
  std::uint64_t spans = 1'000'000;
  std::uint64_t request_spans = 1000;
  int times = 100;
  app.add_option("folder", folder, "Empty, or of an earlier run")->required();
  app.add_option("--spans", spans);
  app.add_option("--request-spans", request_spans);
  app.add_option("--times", times, "Questions of each kind");
  CLI11_PARSE(app, argc, argv);

  auto disk = queue::OpenFolder(folder);
  if (!disk) return fmt::print(stderr, "{}\n", disk.error().message), 1;
  auto opened = TraceStore::Open(std::move(*disk),
                                 {.directory = folder, .max_disk_bytes = std::uint64_t{1} << 40});
  if (!opened) return fmt::print(stderr, "{}\n", opened.error().message), 1;
  TraceStore& store = **opened;
  const std::uint64_t traces_in_request = request_spans / kTraceSpans;
  Feeder feeder(store, traces_in_request);
  const std::uint64_t traces = spans / kTraceSpans;
  const auto begin = steady_clock::now();
  const double cpu = CpuSeconds();
  for (std::uint64_t trace = 0; trace < traces; trace += traces_in_request) feeder.Feed(trace);
  feeder.Wait();
  const double wall = Seconds(begin);
  const auto counts = store.counts();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double own = CpuSeconds() - cpu - feeder.build_seconds;
  const auto written = static_cast<double>(std::max<std::uint64_t>(1, counts.written));
  fmt::print(
      "{} spans of {:.0f} bytes, {} failed requests: {:.1f} s, {:.0f} spans/s; CPU of the store "
      "{:.2f} "
      "us a span\n{} blocks, {:.1f} bytes a span on disk; peak RSS {} MiB\n",
      counts.written, static_cast<double>(feeder.bytes) / written, feeder.failed, wall,
      written / wall, own * 1e6 / written, counts.blocks,
      static_cast<double>(counts.disk_bytes) / static_cast<double>(counts.spans),
      usage.ru_maxrss >> 10);
  AskAll(store, traces, times);
  fmt::print("while more come:\n");
  std::jthread more([&](const std::stop_token& stop) {
    for (std::uint64_t trace = traces; !stop.stop_requested(); trace += traces_in_request) {
      feeder.Feed(trace);
    }
  });
  AskAll(store, traces, times);
  more.request_stop();
  more.join();
  feeder.Wait();
  return 0;
}

}  // namespace wirespan::bench

int main(int argc, char** argv) { return wirespan::bench::Main(argc, argv); }
