#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "gateway/sink/store/trace_store.h"
#include "tests/bench/store/fleet.h"

namespace wirespan::bench {

double CpuSeconds();  // of the process
double CpuSecondsOfThread();

// Hands a store the fleet's requests, with 32 under way at a time. One thread.
class Feeder {
 public:
  Feeder(gateway::store::TraceStore& store, const Fleet& fleet, std::uint64_t request_spans)
      : store_(store), fleet_(fleet), request_spans_(request_spans) {}

  // The next request; waits while 32 are under way.
  void Feed();
  void Wait();
  // As if so many spans had been handed over.
  void Skip(std::uint64_t spans);

  std::uint64_t traces() const { return next_trace_; }
  std::uint64_t spans() const { return spans_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t failed() const { return failed_; }  // requests; after Wait()
  // CPU time that making the requests took, which is not the store's.
  double build_seconds() const { return build_seconds_; }

 private:
  gateway::store::TraceStore& store_;
  const Fleet& fleet_;
  const std::uint64_t request_spans_;
  std::uint64_t next_trace_ = 0;
  std::uint64_t spans_ = 0;
  std::uint64_t bytes_ = 0;
  double build_seconds_ = 0;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  int under_way_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace wirespan::bench
