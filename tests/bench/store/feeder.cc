#include "tests/bench/store/feeder.h"

#include <ctime>
#include <string>
#include <utility>

namespace wirespan::bench {

namespace {

constexpr int kUnderWay = 32;

}  // namespace

double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double CpuSecondsOfThread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void Feeder::Feed() {
  const double before = CpuSecondsOfThread();
  std::string request;
  for (std::uint64_t spans = 0; spans < request_spans_;) {
    request += fleet_.Trace(next_trace_);
    spans += Fleet::SpansOf(next_trace_);
    spans_ += Fleet::SpansOf(next_trace_++);
  }
  build_seconds_ += CpuSecondsOfThread() - before;
  bytes_ += request.size();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ < kUnderWay; });
    ++under_way_;
  }
  store_.Append(std::move(request), [this](Result<> written) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (!written) ++failed_;
    changed_.notify_all();
  });
}

void Feeder::Skip(std::uint64_t spans) {
  while (spans_ < spans) spans_ += Fleet::SpansOf(next_trace_++);
}

void Feeder::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_ == 0; });
}

}  // namespace wirespan::bench
