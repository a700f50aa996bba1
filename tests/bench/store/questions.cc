#include "tests/bench/store/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/store/feeder.h"

namespace wirespan::bench {

namespace {

using gateway::store::QueryLimits;
using gateway::store::TraceQuery;
using gateway::store::TraceStore;
using std::chrono::steady_clock;

constexpr std::uint64_t kHourNs = 3600ull * 1'000'000'000;

void Ask(const char* name, int times, const std::function<std::size_t(std::mt19937_64&)>& ask) {
  std::mt19937_64 random(9);
  std::vector<double> took_ms;
  std::vector<double> cpu_ms;
  std::size_t found = 0;
  for (int i = 0; i < times; ++i) {
    const auto begin = steady_clock::now();
    const double cpu = CpuSecondsOfThread();
    found += ask(random);
    took_ms.push_back(
        std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count());
    cpu_ms.push_back((CpuSecondsOfThread() - cpu) * 1000);
  }
  const auto at = [](std::vector<double>& of, std::size_t percent) {
    std::sort(of.begin(), of.end());
    return of[(of.size() - 1) * percent / 100];
  };
  fmt::print(
      "{:<37} p50 {:7.2f}  p95 {:7.2f}  max {:7.2f} ms   CPU p95 {:7.2f} ms  {:5.1f} traces\n",
      name, at(took_ms, 50), at(took_ms, 95), at(took_ms, 100), at(cpu_ms, 95),
      static_cast<double>(found) / times);
  std::fflush(stdout);
}

}  // namespace

void AskAll(const TraceStore& store, const Fleet& fleet, std::uint64_t traces, int times) {
  const std::uint64_t span_ns = traces * kTraceEveryNs;
  const auto search = [&](TraceQuery query) {
    query.limit = 20;
    return store.Search(query, QueryLimits{}).traces.size();
  };
  const auto windowed = [&](TraceQuery query, std::mt19937_64& random) {
    query.start_min_ns = fleet.first_ns() + random() % (span_ns - std::min(span_ns - 1, kHourNs));
    query.start_max_ns = query.start_min_ns + kHourNs;
    return search(std::move(query));
  };
  const auto a_user = [](std::mt19937_64& random, std::uint64_t from = 0) {
    return std::vector<std::pair<std::string, std::string>>{
        {"user.id", fmt::format("u{}", from + random() % kUsers)}};
  };
  const auto a_service = [](std::mt19937_64& random) { return ServiceName(random() % kServices); };
  Ask("trace by id", times, [&](auto& random) {
    const auto id = gateway::store::ToTraceId(TraceIdOf(random() % traces));
    return store.Get(std::span(&id, 1), {}).traces.size();
  });
  Ask("service, operation, an hour", times, [&](auto& random) {
    const std::uint64_t service = random() % kServices;
    return windowed({.service = ServiceName(service),
                     .operation = OperationName(service, random() % kOperations)},
                    random);
  });
  Ask("service, slower than 1 s, an hour", times, [&](auto& random) {
    return windowed({.service = a_service(random), .duration_min_ns = 1'000'000'000}, random);
  });
  Ask("service, status code 503, an hour", times, [&](auto& random) {
    return windowed({.service = a_service(random), .tags = {{"http.response.status_code", "503"}}},
                    random);
  });
  Ask("service, errors, all times", times, [&](auto& random) {
    return search({.service = a_service(random), .tags = {{"error", "true"}}});
  });
  Ask("a user of 50,000, all times", times,
      [&](auto& random) { return search({.tags = a_user(random)}); });
  Ask("service, a user of 50,000, all times", times,
      [&](auto& random) { return search({.service = a_service(random), .tags = a_user(random)}); });
  Ask("service, a user that is not there", times, [&](auto& random) {
    return search({.service = a_service(random), .tags = a_user(random, kUsers)});
  });
}

}  // namespace wirespan::bench
