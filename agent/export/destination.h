#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/export/export_metrics.h"
#include "agent/export/exporter.h"
#include "agent/export/transport.h"
#include "common/queue/byte_queue.h"
#include "common/retry/backoff.h"

namespace wirespan::exporting {

// One request that waits or is being sent.
struct Batch {
  std::string request{};  // uncompressed
  std::size_t items = 0;
};

// Sends one signal to one endpoint: a bounded queue, a fixed number of requests under way at once,
// each retried by itself, all held back while the server asks for it. A thread of its own
// compresses, starts attempts and keeps time; the transport's threads only report. What happens to
// another destination is not felt here. Thread-safe.
//
//   Enqueue -> queue -> slot: compress -> attempt -> accepted | refused -> counted, slot is free
//                                ^            |
//                                +-- wait ----+ retry
class Destination {
 public:
  Destination(otlp::Signal signal, const ExporterOptions& options, const Clock& clock,
              std::unique_ptr<Transport> transport, SignalMetrics& metrics);
  // Counts what is left as dropped{reason=shutdown}.
  ~Destination();

  // Takes a batch. What is too large to be sent is cut where that is possible; drops are counted.
  void Enqueue(Batch batch);
  // Waits until nothing is held; false: time was over first.
  bool WaitUntilEmpty(std::chrono::milliseconds deadline);
  // Memory is short: at most so many bytes stay waiting, the oldest go (dropped, reason memory).
  void Shed(std::size_t keep_bytes);
  // While its lock is held, every item is counted in one place.
  std::unique_lock<std::mutex> Rest() { return std::unique_lock(mutex_); }

 private:
  struct Slot {
    enum class State : unsigned char { kFree, kReady, kSending, kWaiting };
    State state = State::kFree;
    Batch batch{};
    std::size_t queue_bytes = 0;                // to be released in the end
    std::shared_ptr<const std::string> body{};  // compressed, from the first attempt on
    retry::Backoff backoff;
    std::uint64_t due_ns = 0;      // kWaiting
    std::uint64_t started_ns = 0;  // kSending
  };
  struct Report {
    std::size_t slot = 0;
    Outcome outcome{};
  };

  void Push(Batch batch);
  void Run(const std::stop_token& stop);
  void TakeReports(std::uint64_t now_ns);
  void Handle(Slot& slot, const Outcome& outcome, std::uint64_t now_ns);
  void Retry(Slot& slot, const Outcome& outcome, std::uint64_t now_ns);
  void Free(Slot& slot);
  Slot* NextReady(std::uint64_t now_ns);
  void Start(Slot& slot, std::unique_lock<std::mutex>& lock);
  std::optional<std::uint64_t> NextDue() const;
  void UpdateGauges();
  bool Empty() const;

  const otlp::Signal signal_;
  const std::string name_;  // of the endpoint; the transport ends before the last reports are read
  const std::size_t max_request_bytes_;
  const Clock& clock_;
  SignalMetrics& metrics_;

  std::mutex mutex_{};  // guards what follows, up to compressor_
  std::condition_variable_any wake_{};
  std::condition_variable_any empty_{};
  queue::ByteQueue<Batch> queue_;
  std::vector<Slot> slots_{};
  std::vector<Report> reports_{};
  std::uint64_t held_until_ns_ = 0;  // by the server's wish
  std::size_t queued_items_ = 0;
  std::size_t in_flight_items_ = 0;
  bool failing_ = false;  // since the last success; for one line in the log at the end of it

  otlp::Compressor compressor_{};  // of thread_ alone
  std::unique_ptr<Transport> transport_;
  std::jthread thread_{};
};

}  // namespace wirespan::exporting
