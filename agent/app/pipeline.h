#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/explanation.h"
#include "agent/app/process_bridge.h"
#include "agent/connection/connection_table.h"
#include "agent/kernel/live_source.h"
#include "agent/metric/red_metrics.h"
#include "agent/process/pod_scope.h"
#include "agent/process/process_table.h"
#include "agent/span/builder.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/telemetry/metrics.h"

namespace wirespan::app {

// Where a recording was made: ids and processes of its spans are of then, not of this machine now.
struct Recorded {
  span::NodeIdentity node{};
  span::ProcessLookup* processes = nullptr;  // outlives the pipeline
};

// What the pipeline is told of Kubernetes; both outlive it.
struct KubernetesView {
  const kube::PodTable* pods = nullptr;
  std::string node_name{};
};

// Events in, spans and RED metrics out: the stages between the source and the exporter, wired. One
// thread drives it, except red().
class Pipeline final : public connection::EventHandler {
 public:
  // `source`: whom to tell verdicts; null for replay. All references outlive the pipeline.
  // kInvalidArgument: a glob, route or sampler of the configuration that does not compile.
  static Result<std::unique_ptr<Pipeline>> Create(const Config& config, kernel::LiveSource* source,
                                                  span::SpanSink& sink, const Clock& clock,
                                                  telemetry::Registry& registry,
                                                  const Recorded* recorded = nullptr,
                                                  KubernetesView kubernetes = {});

  static process::TableConfig TableConfigOf(const Config& config,
                                            const KubernetesView& kubernetes = {});
  static process::TableLimits ProcessLimitsOf(const Config& config);
  // Of this machine and this run.
  static span::NodeIdentity NodeIdentityNow();

  void OnEvent(const connection::Event& event) override;
  // About every 50 ms.
  void Tick();
  // Replay: time is that of the last event.
  void TickAt(std::uint64_t now_ns);
  // Brings all counters up to date, so that one reading of them is one moment.
  void Publish() { connections_.Publish(); }
  // Memory is short, or no longer: sheds what it must. Call it each time that was looked at.
  void SetPressure(connection::Pressure pressure);
  // Called before every so many events, so that a flood is not looked at only when it is over.
  void SetCheckpoint(std::function<void()> checkpoint) { checkpoint_ = std::move(checkpoint); }
  // For a graceful restart: what the next agent must know of open connections, and its way in,
  // before the first event. Restore returns how many connections that were.
  std::string Save() const;
  std::size_t Restore(std::string_view state);
  // Everything that waits comes out, complete or not.
  void Flush();
  // New rules from the next exchange on; what is fixed until a restart stays.
  Result<> Reconfigure(const Config& config);
  // Pods that other agents observe, from now on.
  void SetLeftOut(std::vector<process::PodScope> pods);

  // What was seen and what was not, joined with who has sockets now. Takes some 10 ms on a busy
  // host.
  Explanation Explain();

  metric::RedMetrics& red() { return red_; }

 private:
  Pipeline(const Config& config, span::SpanOptions options, kernel::LiveSource* source,
           span::SpanSink& sink, const Clock& clock, telemetry::Registry& registry,
           span::ProcessLookup* recorded, KubernetesView kubernetes);

  // Live: the table learns of programs and ends, the kernel of verdicts.
  void MeetProcesses(const connection::Event& event);

  static Result<span::SpanOptions> SpanOptionsOf(const Config& config,
                                                 const span::NodeIdentity& node);
  static connection::TableOptions ConnectionOptionsOf(const Config& config);

  const Clock& clock_;
  span::NodeIdentity node_;  // the same for the whole run: ids are made of it
  bool live_;                // false: /proc has nothing to do with the events
  kernel::LiveSource* source_;
  KubernetesView kubernetes_;
  const std::string root_;  // of the host's /proc
  std::vector<process::PodScope> left_out_{};
  process::ProcessTable processes_;
  ProcessBridge bridge_;
  telemetry::Gauge* verdicts_gauge_ = nullptr;  // null: no kernel
  metric::RedMetrics red_;
  span::SpanStage spans_;
  connection::ConnectionTable connections_;
  std::function<void()> checkpoint_;
  std::uint32_t events_to_checkpoint_ = kCheckpointEvents;
  static constexpr std::uint32_t kCheckpointEvents = 1024;
};

}  // namespace wirespan::app
