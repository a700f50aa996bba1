#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/kubernetes.h"
#include "agent/app/memory_guard.h"
#include "agent/app/pipeline.h"
#include "agent/app/turns.h"
#include "agent/app/watch_hub.h"
#include "agent/export/exporter.h"
#include "agent/kernel/live_source.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/service_notify.h"
#include "common/base/wait.h"
#include "common/http/server.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// `run`: everything joined, from probes to exporter and listeners. Made, run and destroyed on one
// thread, the pipeline's; listeners have threads of their own and ask it by Ask().
class Agent {
 public:
  // Opens the listeners, waits for its turn where another agent observes this node (turns.h), loads
  // and attaches the probes. The first thing that cannot be had is the error. Null: it was told to
  // stop while it waited.
  static Result<std::unique_ptr<Agent>> Create(Config config, const SignalWaiter& signals);
  ~Agent();

  // Until SIGTERM or SIGINT; SIGHUP reads the configuration again. Returns an exit code.
  int Run(const SignalWaiter& signals);

 private:
  explicit Agent(Config config);
  Result<> Start(const SignalWaiter& signals);
  // False: SIGTERM or SIGINT came first.
  bool WaitForTurn(const SignalWaiter& signals);
  Result<> StartListeners();
  void RegisterSourceMetrics();
  void TakeStatus();
  void HoldMemory(std::uint64_t now_ns);
  void Reload();
  // `another_comes`: a service manager ends us, and may start the next one at once.
  int Stop(bool another_comes);
  // Of its own thread, which must not look at config_: a reload changes that.
  void ExportMetricsUntil(std::stop_token stop, std::chrono::milliseconds interval,
                          bool self_report);
  // Of the metrics' thread.
  void AddSelfReport(metric::Snapshot& snapshot);
  // Runs `work` on the pipeline's thread and waits for it, at most 5 s. Any thread.
  bool Ask(std::function<void()> work);
  void AnswerQuestions();
  // All stages at one moment, so that the sums of docs/ledger.md hold.
  std::string MetricsText();
  std::string NotReady() const;
  std::string NotStarted() const;
  std::string ExplainJson();

  Config config_;
  const ServiceNotify service_ =
      ServiceNotify::FromEnvironment();  // before any thread: it edits the environment
  const Clock& clock_ = SystemClock();
  telemetry::Registry registry_;
  WatchHub hub_{registry_};
  std::unique_ptr<kernel::LiveSource> source_;
  std::unique_ptr<exporting::Exporter> exporter_;
  std::unique_ptr<WatchTap> tap_;
  std::unique_ptr<Kubernetes> kubernetes_;  // null: none
  std::unique_ptr<Turns> turns_;            // null: other agents are ignored
  std::unique_ptr<Pipeline> pipeline_;
  MemoryGuard memory_;

  std::mutex status_mutex_;  // guards status_
  kernel::SourceStatus status_{};
  std::atomic<std::uint64_t> drained_ns_{0};  // when the rings were last drained

  struct Question {
    std::function<void()> work{};
    bool done = false;
  };
  std::mutex questions_mutex_;  // guards questions_ and Question::done
  std::condition_variable answered_;
  std::vector<std::shared_ptr<Question>> questions_;
  bool answering_ = false;  // while Run does

  std::shared_ptr<const span::Resource> own_resource_;
  std::uint64_t start_ns_ = 0;  // since 1970 UTC

  std::unique_ptr<http::Server> admin_;
  std::unique_ptr<http::Server> red_;
  std::unique_ptr<http::Server> control_;
  std::jthread metrics_thread_;
};

}  // namespace wirespan::app
