#include "agent/app/agent.h"

#include <fmt/format.h>
#include <malloc.h>

#include <csignal>

#include "agent/app/admin.h"
#include "agent/app/config_load.h"
#include "agent/app/control.h"
#include "agent/app/exit_codes.h"
#include "agent/app/export_options.h"
#include "agent/app/handover.h"
#include "agent/app/local_capture.h"
#include "agent/app/self_report.h"
#include "agent/kernel/rights.h"
#include "agent/metric/open_metrics.h"
#include "agent/process/host.h"
#include "common/base/version.h"
#include "common/telemetry/log.h"
#include "common/telemetry/process_metrics.h"

namespace wirespan::app {
namespace {

constexpr std::chrono::milliseconds kPollTimeout{50};
constexpr std::uint64_t kTickNs = 50'000'000;
constexpr std::chrono::milliseconds kTurnPause{100};
constexpr std::uint64_t kStatusNs = 500'000'000;
constexpr std::uint64_t kDrainedLatelyNs = 5'000'000'000;

tl::unexpected<Error> ListenFailed(const char* key, const Error& error) {
  return Fail(error.code, fmt::format("{}: {}; stop what listens there, or set {} to another "
                                      "address",
                                      key, error.message, key));
}

// The service manager is told, not needed.
void Tell(const Result<>& told) {
  if (!told) log::Warn("service manager: {}", told.error().message);
}

std::uint64_t NanosecondsOf(std::chrono::microseconds duration) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::Create(Config config, const SignalWaiter& signals) {
  std::unique_ptr<Agent> agent(new Agent(std::move(config)));
  if (auto started = agent->Start(signals); !started)
    return tl::unexpected(std::move(started.error()));
  if (agent->pipeline_ == nullptr) agent.reset();
  return agent;
}

Agent::Agent(Config config)
    : config_(std::move(config)),
      memory_(config_.memory_limit, PrivateMemory, [] { ::malloc_trim(0); }, registry_) {}

Agent::~Agent() {
  metrics_thread_ = {};
  admin_.reset();
  red_.reset();
  control_.reset();
}

Result<> Agent::Start(const SignalWaiter& signals) {
  telemetry::RegisterProcessMetrics(registry_);
  telemetry::RegisterBuildInfo(registry_, "wirespan-agent", kVersion, "");
  // Rights and kernel before all else: without them everything below would fail with a lesser
  // reason.
  if (auto ground = kernel::CheckGround(); !ground)
    return tl::unexpected(std::move(ground.error()));
  // Then the exporter: a bad endpoint is cheaper to find than to load probes.
  auto options = ExporterOptionsOf(config_);
  if (!options) return tl::unexpected(std::move(options.error()));
  auto exporter = exporting::Exporter::Create(std::move(*options), clock_, registry_);
  if (!exporter) return Wrap("exporter", std::move(exporter.error()));
  exporter_ = std::move(*exporter);
  tap_ = std::make_unique<WatchTap>(hub_, exporter_.get());

  auto kubernetes = Kubernetes::Start(config_.kubernetes, clock_, registry_);
  if (!kubernetes) return tl::unexpected(std::move(kubernetes.error()));
  kubernetes_ = std::move(*kubernetes);

  auto own = process::ReadOwnProcess(config_.node.root);
  if (!own) return Wrap("node.root", std::move(own.error()));
  auto turns = Turns::Create(config_, *own, registry_);
  if (!turns) return tl::unexpected(std::move(turns.error()));
  turns_ = std::move(*turns);

  if (auto listening = StartListeners(); !listening) return listening;
  if (!WaitForTurn(signals)) return {};

  auto left = FindLeftBehind(config_);
  KubernetesView pods;
  if (kubernetes_ != nullptr) {
    kubernetes_->WaitForPods(config_.kubernetes.startup_wait);
    pods = {.pods = &kubernetes_->pods(), .node_name = kubernetes_->node_name()};
  }
  auto source = kernel::LiveSource::Create(CaptureOptionsOf(config_));
  if (!source) return Wrap("capture", std::move(source.error()));
  source_ = std::move(*source);
  auto pipeline =
      Pipeline::Create(config_, source_.get(), *tap_, clock_, registry_, nullptr, std::move(pods));
  if (!pipeline) return tl::unexpected(std::move(pipeline.error()));
  pipeline_ = std::move(*pipeline);
  if (turns_ != nullptr) pipeline_->SetLeftOut(turns_->left_out());
  pipeline_->SetCheckpoint([this] { HoldMemory(clock_.monotonic_ns()); });
  if (left != nullptr) TakeOver(*left, *source_, *pipeline_);
  RegisterSourceMetrics();
  TakeStatus();
  own_resource_ = OwnResource(process::ReadHost(),
                              kubernetes_ == nullptr ? std::string() : kubernetes_->node_name());
  start_ns_ = clock_.realtime_ns();
  metrics_thread_ = std::jthread(
      [this, interval = config_.metrics.interval, self_report = config_.exporting.self_report](
          std::stop_token stop) { ExportMetricsUntil(std::move(stop), interval, self_report); });
  log::Info("capture: backend {}, rings of {} KiB, {}", status_.backend, status_.ring_bytes >> 10,
            config_.source.empty() ? std::string("no configuration file")
                                   : "configuration " + config_.source);
  return {};
}

bool Agent::WaitForTurn(const SignalWaiter& signals) {
  if (turns_ == nullptr || turns_->Try()) return true;
  // To a service manager it has started: it does what it was asked to, as far as it can.
  Tell(service_.Ready(turns_->waits_for()));
  std::uint64_t alive_ns = 0;
  while (true) {
    const auto signal = signals.WaitFor(kTurnPause);
    if (signal == SIGTERM || signal == SIGINT) return false;
    if (signal == SIGHUP) log::Warn("reload: not while this agent waits; restart it instead");
    const auto now_ns = clock_.monotonic_ns();
    if (const auto interval = NanosecondsOf(service_.alive_interval());
        interval != 0 && now_ns >= alive_ns) {
      alive_ns = now_ns + interval;
      Tell(service_.Alive());
    }
    if (turns_->Try()) return true;
  }
}

Result<> Agent::StartListeners() {
  auto admin = StartAdmin(config_.admin_listen, {.metrics = [this] { return MetricsText(); },
                                                 .not_ready = [this] { return NotReady(); },
                                                 .not_started = [this] { return NotStarted(); }});
  if (!admin) return ListenFailed("admin.listen", admin.error());
  admin_ = std::move(*admin);
  if (!config_.metrics.listen.empty()) {
    auto red = StartRedMetrics(config_.metrics.listen, [this](metric::TextFormat format) {
      metric::Snapshot snapshot;
      Ask([&] { snapshot = pipeline_->red().TakeSnapshot(clock_.realtime_ns()); });
      return metric::RenderText(snapshot, format);
    });
    if (!red) return ListenFailed("metrics.listen", red.error());
    red_ = std::move(*red);
  }
  if (!config_.control_socket.empty()) {
    auto control = StartControl(config_.control_socket, config_.control_group, hub_,
                                {.explain = [this] { return ExplainJson(); }});
    if (!control) return tl::unexpected(std::move(control.error()));
    control_ = std::move(*control);
  }
  return {};
}

void Agent::RegisterSourceMetrics() {
  const auto add = [this](const char* name, const char* help, bool monotonic, auto read) {
    registry_.AddCollector(name, help, monotonic,
                           [this, read](std::vector<telemetry::Sample>& out) {
                             std::scoped_lock lock(status_mutex_);
                             read(status_, out);
                           });
  };
  const auto counts = [](const char* name, auto value) {
    return [name, value](const kernel::SourceStatus& status, std::vector<telemetry::Sample>& out) {
      for (const auto& count : status.counts) {
        telemetry::Labels labels{{"count", count.name}};
        if (!count.reason.empty()) labels.emplace_back("reason", count.reason);
        out.push_back({name, std::move(labels), static_cast<double>(value(count))});
      }
    };
  };
  add("wirespan_kernel_calls_total",
      "Calls that moved bytes, by what became of them in the kernel (docs/ledger.md)", true,
      counts("wirespan_kernel_calls_total",
             [](const kernel::KernelCount& count) { return count.events; }));
  add("wirespan_kernel_bytes_total",
      "Bytes that calls moved, by what became of them in the kernel (docs/ledger.md)", true,
      counts("wirespan_kernel_bytes_total",
             [](const kernel::KernelCount& count) { return count.bytes; }));
  add("wirespan_ring_bytes", "Size of the rings between kernel and agent, all CPUs", false,
      [](const kernel::SourceStatus& status, std::vector<telemetry::Sample>& out) {
        out.push_back({"wirespan_ring_bytes", {}, static_cast<double>(status.ring_bytes)});
      });
  add("wirespan_ring_used_bytes",
      "Most bytes that waited in the rings at a drain since the last status", false,
      [](const kernel::SourceStatus& status, std::vector<telemetry::Sample>& out) {
        out.push_back(
            {"wirespan_ring_used_bytes", {}, static_cast<double>(status.ring_used_max_bytes)});
      });
  add("wirespan_ring_waiting_bytes", "Bytes that wait in the rings now: written and not yet read",
      false, [](const kernel::SourceStatus& status, std::vector<telemetry::Sample>& out) {
        out.push_back(
            {"wirespan_ring_waiting_bytes", {}, static_cast<double>(status.ring_waiting_bytes)});
      });
  const auto programs = [](const char* name, auto value) {
    return [name, value](const kernel::SourceStatus& status, std::vector<telemetry::Sample>& out) {
      for (const auto& program : status.programs)
        out.push_back({name, {{"program", program.program}}, value(program)});
    };
  };
  add("wirespan_bpf_runs_total", "Runs of each BPF program, while the kernel keeps statistics",
      true, programs("wirespan_bpf_runs_total", [](const kernel::ProgramCost& cost) {
        return static_cast<double>(cost.runs);
      }));
  add("wirespan_bpf_run_seconds_total",
      "Run time of each BPF program, while the kernel keeps statistics", true,
      programs("wirespan_bpf_run_seconds_total", [](const kernel::ProgramCost& cost) {
        return static_cast<double>(cost.run_time_ns) / 1e9;
      }));
  add("wirespan_bpf_recursion_misses_total",
      "Runs of a BPF program that the kernel skipped: calls lost before any other counter", true,
      programs("wirespan_bpf_recursion_misses_total", [](const kernel::ProgramCost& cost) {
        return static_cast<double>(cost.recursion_misses);
      }));
  registry_.gauge("wirespan_config_hash", "Hash of the configuration in force, its low 52 bits")
      .Set(static_cast<double>(config_.hash & ((1ull << 52) - 1)));
  registry_.gauge("wirespan_config_last_reload_successful", "1 unless the last reload was refused")
      .Set(1);
}

void Agent::TakeStatus() {
  auto status = source_->Status();
  std::scoped_lock lock(status_mutex_);
  status_ = std::move(status);
}

void Agent::HoldMemory(std::uint64_t now_ns) {
  const auto pressure = memory_.Look(now_ns);
  pipeline_->SetPressure(pressure);
  if (pressure == connection::Pressure::kNone) return;
  // A queue may be allowed more than all memory is: then a part of memory is what it keeps.
  exporter_->Shed(pressure == connection::Pressure::kOver ? 0 : 0.25, config_.memory_limit / 8);
}

int Agent::Run(const SignalWaiter& signals) {
  {
    std::scoped_lock lock(questions_mutex_);
    answering_ = true;
  }
  std::uint64_t tick_ns = 0;
  std::uint64_t status_ns = 0;
  std::uint64_t alive_ns = NanosecondsOf(service_.alive_interval());  // 0: nobody watches
  for (;;) {
    auto polled = source_->Poll(*pipeline_, kPollTimeout);
    if (!polled) {
      log::LogError("capture: {}", polled.error().message);
      Stop(false);
      return kExitFailed;
    }
    const auto now_ns = clock_.monotonic_ns();
    if (drained_ns_.exchange(now_ns, std::memory_order_relaxed) == 0)
      Tell(service_.Ready("observing"));
    if (now_ns - tick_ns >= kTickNs) {
      tick_ns = now_ns;
      HoldMemory(now_ns);
      pipeline_->Tick();
      exporter_->Tick();
      hub_.Prune();  // before a scrape is answered: it shows who is attached at that moment
      AnswerQuestions();
      const auto signal = signals.WaitFor(std::chrono::milliseconds(0));
      if (signal == SIGHUP) {
        Tell(service_.Reloading(std::chrono::microseconds(now_ns / 1000)));
        Reload();
        Tell(service_.Ready("observing"));
      }
      if (signal == SIGTERM || signal == SIGINT) return Stop(signal == SIGTERM);
      if (alive_ns != 0 && now_ns >= alive_ns) {
        alive_ns = now_ns + NanosecondsOf(service_.alive_interval());
        Tell(service_.Alive());
      }
    }
    if (now_ns - status_ns >= kStatusNs) {
      status_ns = now_ns;
      TakeStatus();
      if (turns_ != nullptr && turns_->LookAfter()) pipeline_->SetLeftOut(turns_->left_out());
    }
  }
}

int Agent::Stop(bool another_comes) {
  log::Info("stopping: sending what is held");
  Tell(service_.Stopping("sending what is held"));
  static_cast<void>(source_->Poll(*pipeline_, std::chrono::milliseconds(0)));
  if (another_comes) LeaveBehind(config_, *source_, *pipeline_);
  pipeline_->Flush();
  {
    std::scoped_lock lock(questions_mutex_);
    answering_ = false;
  }
  AnswerQuestions();
  metrics_thread_ = {};  // its last act is one more export of the metrics
  if (!exporter_->Flush(config_.exporting.shutdown_timeout)) {
    log::Warn(
        "exporter: not everything could be sent within {} ms; what is left is counted as dropped",
        config_.exporting.shutdown_timeout.count());
  }
  return kExitOk;
}

void Agent::Reload() {
  auto& successful = registry_.gauge("wirespan_config_last_reload_successful",
                                     "1 unless the last reload was refused");
  auto loaded =
      config_.source.empty() ? Result<Config>(DefaultConfig()) : LoadConfig(config_.source);
  Result<> applied =
      loaded ? pipeline_->Reconfigure(*loaded) : Result<>(tl::unexpected(loaded.error()));
  successful.Set(applied ? 1 : 0);
  if (!applied) {
    log::LogError("reload: refused, the old configuration stays in force: {}",
                  applied.error().message);
    return;
  }
  for (const auto& fixed : FixedChanges(config_, *loaded))
    log::Warn("reload: {} needs a restart to change", fixed);
  config_ = std::move(*loaded);
  registry_.gauge("wirespan_config_hash", "")
      .Set(static_cast<double>(config_.hash & ((1ull << 52) - 1)));
  registry_
      .gauge("wirespan_config_last_reload_seconds", "Unix time of the last reload that was taken")
      .Set(static_cast<double>(clock_.realtime_ns()) / 1e9);
  ApplyLogging(config_);
  log::Info("reload: new configuration in force");
}

void Agent::ExportMetricsUntil(std::stop_token stop, std::chrono::milliseconds interval,
                               bool self_report) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, interval, [] { return false; });
    metric::Snapshot snapshot = pipeline_->red().TakeSnapshot(clock_.realtime_ns());
    if (self_report) AddSelfReport(snapshot);
    exporter_->ExportMetrics(snapshot);
  }
}

void Agent::AddSelfReport(metric::Snapshot& snapshot) {
  metric::ResourceMetrics report;
  Ask([&] {
    pipeline_->Publish();
    Explanation explanation = pipeline_->Explain();
    {
      std::scoped_lock lock(status_mutex_);
      explanation.backend = status_.backend;
    }
    exporter_->AtRest([&] {
      report = SelfReport(own_resource_, explanation, registry_, start_ns_, clock_.realtime_ns());
    });
  });
  // Of an agent that is ending nobody answers: what it saw is not told once more.
  if (report.resource != nullptr) snapshot.push_back(std::move(report));
}

bool Agent::Ask(std::function<void()> work) {
  auto question = std::make_shared<Question>();
  question->work = std::move(work);
  std::unique_lock lock(questions_mutex_);
  if (!answering_) return false;
  questions_.push_back(question);
  if (answered_.wait_for(lock, std::chrono::seconds(5), [&] { return question->done; }))
    return true;
  question->work = nullptr;  // too late: its references are gone
  return false;
}

void Agent::AnswerQuestions() {
  std::scoped_lock lock(questions_mutex_);
  for (auto& question : questions_) {
    if (question->work) question->work();
    question->done = true;
  }
  questions_.clear();
  answered_.notify_all();
}

std::string Agent::MetricsText() {
  std::string text;
  const bool answered = Ask([&] {
    pipeline_->Publish();
    TakeStatus();
    exporter_->AtRest([&] { text = registry_.Text(); });
  });
  return answered ? text : registry_.Text();
}

std::string Agent::NotReady() const {
  const auto drained = drained_ns_.load(std::memory_order_relaxed);
  if (drained == 0 && turns_ != nullptr) {
    if (auto waits = turns_->waits_for(); !waits.empty()) return waits;
  }
  if (drained == 0) return "the probes are not attached yet";
  if (clock_.monotonic_ns() - drained > kDrainedLatelyNs)
    return "the rings were not drained for 5 s";
  return "";
}

std::string Agent::NotStarted() const {
  if (turns_ != nullptr && !turns_->waits_for().empty()) return "";
  return drained_ns_.load(std::memory_order_relaxed) == 0 ? "the probes are not attached yet" : "";
}

std::string Agent::ExplainJson() {
  Explanation explanation;
  if (!Ask([&] { explanation = pipeline_->Explain(); }))
    explanation.notes.push_back("the agent did not answer in time");
  std::scoped_lock lock(status_mutex_);
  explanation.backend = status_.backend;
  AddKernelNotes(status_, explanation);
  if (turns_ != nullptr) {
    if (auto waits = turns_->waits_for(); !waits.empty()) explanation.notes.push_back(waits);
    for (const auto& pod : turns_->left_out()) {
      explanation.notes.push_back("left out, because an agent of its own observes it: pod " +
                                  pod.group());
    }
  }
  if (kubernetes_ != nullptr) explanation.notes.push_back(kubernetes_->Describe(clock_));
  return ToJson(explanation);
}

}  // namespace wirespan::app
