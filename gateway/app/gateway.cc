#include "gateway/app/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/telemetry/log.h"
#include "gateway/app/gateway_metrics.h"
#include "gateway/extension/self_metrics.h"

namespace wirespan::gateway {

namespace {

using std::chrono::steady_clock;

// A connection that the old graph was given is set up, and one that is in use meets its next
// answer, which asks it to close: then the end of the old graph breaks nothing.
constexpr std::chrono::milliseconds kLinger{500};
constexpr std::size_t kMaxRetiring = 4;

std::vector<PipelineView> ViewsOf(const GatewayConfig& config) {
  std::vector<PipelineView> views;
  for (const PipelineConfig& pipeline : config.pipelines) {
    views.push_back({.id = pipeline.id,
                     .receivers = pipeline.receivers,
                     .processors = pipeline.processors,
                     .exporters = pipeline.exporters});
  }
  return views;
}

}  // namespace

Gateway::Gateway(const Options& options)
    : options_(options),
      state_(board_, book_),
      cluster_watches_(SystemClock(), registry_,
                       [](const char* name) { return std::getenv(name); }),
      pages_(state_, registry_),
      reload_ok_(registry_.gauge("wirespan_gateway_config_last_reload_successful",
                                 "Whether the configuration that was read last is in force")),
      reload_time_(registry_.gauge("wirespan_gateway_config_last_reload_success_timestamp_seconds",
                                   "When the configuration in force was read")),
      retiring_thread_([this](const std::stop_token& stop) { RunRetiring(stop); }) {
  context_ = {.budget = MemoryBudget::Create(0),
              .registry = &registry_,
              .book = &book_,
              .board = &board_,
              .sockets = &sockets_,
              .clusters = &cluster_watches_};
  RegisterProcessMetrics(registry_, SystemClock());
  RegisterBudget(registry_, context_.budget);
  RegisterLedger(registry_, book_);
  RegisterComponents(registry_, board_);
  RegisterConfig(registry_, state_);
}

Gateway::~Gateway() { Stop(steady_clock::now()); }

Result<> Gateway::Start(const GatewayConfig& config) {
  Describe(config, "");
  memory_ = std::make_unique<MemoryWatch>(context_.budget, MemoryCeilingBytes(config),
                                          options_.memory_bytes, registry_);
  if (auto served = pages_.Apply(config); !served) return served;
  auto graph = Graph::Start(config, context_);
  if (!graph) return tl::unexpected(graph.error());
  Install(config, std::move(*graph));
  state_.Update([](GatewayState::Facts& facts) {
    facts.ready = true;
    facts.since_ns = SystemClock().realtime_ns();
  });
  return {};
}

Result<> Gateway::Reload(const ConfigSources& sources) {
  const auto result = [&]() -> Result<> {
    auto config = LoadConfig(sources);
    if (!config) return tl::unexpected(config.error());
    for (const std::string& warning : config->warnings) log::Warn("{}", warning);
    auto swapped = graph_->Blocks(*config) ? SwapInTurn(*config) : Swap(*config);
    if (!swapped) return swapped;
    log::Configure(config->log);
    Describe(config_, "The last reload was taken.");
    return {};
  }();
  reload_ok_.Set(result ? 1 : 0);
  registry_
      .counter("wirespan_gateway_config_reloads_total",
               "Times that the configuration was read anew",
               {{"result", result ? "success" : "failure"}})
      .Add();
  if (!result) {
    state_.Update([&](GatewayState::Facts& facts) {
      facts.last_reload = "The last reload failed, see the log.";
    });
  }
  return result;
}

// Both graphs live for a moment: the new one takes connections before the old one ceases to.
Result<> Gateway::Swap(const GatewayConfig& config) {
  auto next = Graph::Start(config, context_, graph_.get());
  if (!next) return tl::unexpected(next.error());
  if (auto served = pages_.Apply(config); !served) return served;
  std::unique_ptr<Graph> old = std::move(graph_);
  Install(config, std::move(*next));
  Retire(std::move(old));
  return {};
}

// A folder on disk has one user at a time: the old graph ends first. Connections wait meanwhile in
// the listening sockets, which stay open.
Result<> Gateway::SwapInTurn(const GatewayConfig& config) {
  log::Info("gateway: a queue on disk changes hands, the old pipelines end first");
  const ListenSockets::Set kept = graph_->sockets();  // open while nobody accepts from them
  lost_items_ += graph_->Stop(steady_clock::now() + options_.drain);
  graph_.reset();
  auto next = Graph::Start(config, context_);
  Result<> served;
  if (next) served = pages_.Apply(config);
  if (next && served) {
    Install(config, std::move(*next));
    return {};
  }
  Error error = next ? std::move(served.error()) : std::move(next.error());
  if (next) next->reset();
  auto again = Graph::Start(config_, context_);
  if (!again) {
    // Nothing is taken any more; whoever watches the health page sees it.
    state_.Update([](GatewayState::Facts& facts) { facts.ready = false; });
    return Wrap("the old configuration can't go on either: " + again.error().message,
                std::move(error));
  }
  Install(config_, std::move(*again));
  return tl::unexpected(std::move(error));
}

void Gateway::Install(const GatewayConfig& config, std::unique_ptr<Graph> graph) {
  graph_ = std::move(graph);
  memory_->SetCeiling(MemoryCeilingBytes(config));
  for (const auto& [name, port] : graph_->ports()) {
    log::Info("receiver {}: listening on port {}", name, port);
  }
  if (&config != &config_) config_ = config;
}

void Gateway::Describe(const GatewayConfig& config, const std::string& last_reload) {
  state_.Update([&](GatewayState::Facts& facts) {
    facts.health = config.health;
    facts.pipelines = ViewsOf(config);
    facts.config_hash = fmt::format("{:016x}", config.hash);
    facts.last_reload = last_reload;
    facts.resource = config.resource;
  });
  reload_ok_.Set(1);
  reload_time_.Set(static_cast<double>(SystemClock().realtime_ns()) / 1e9);
}

void Gateway::Retire(std::unique_ptr<Graph> graph) {
  graph->StopAccepting();
  std::unique_lock lock(retiring_mutex_);
  // Reloads that come faster than graphs can end wait here.
  retiring_changed_.wait(lock, [&] { return retiring_.size() < kMaxRetiring; });
  retiring_.push_back(std::move(graph));
  retiring_changed_.notify_all();
}

void Gateway::RunRetiring(const std::stop_token& stop) {
  std::unique_lock lock(retiring_mutex_);
  for (;;) {
    retiring_changed_.wait(lock, stop, [&] { return !retiring_.empty(); });
    if (retiring_.empty()) return;  // told to stop, and nothing is left to do
    // Cut short when the process ends.
    retiring_changed_.wait_for(lock, stop, kLinger, [&] { return stop.stop_requested(); });
    Graph& graph = *retiring_.front();
    const auto deadline = std::min(retire_until_, steady_clock::now() + options_.drain);
    lock.unlock();
    const std::uint64_t lost = graph.Stop(deadline);
    if (lost > 0) {
      log::Warn("gateway: {} items of the former configuration were not delivered", lost);
    }
    lock.lock();
    lost_items_ += lost;
    std::unique_ptr<Graph> ended = std::move(retiring_.front());
    retiring_.pop_front();
    retiring_changed_.notify_all();
    lock.unlock();
    ended.reset();
    lock.lock();
  }
}

std::uint64_t Gateway::Stop(steady_clock::time_point deadline) {
  if (!retiring_thread_.joinable()) return 0;
  state_.Update([](GatewayState::Facts& facts) {
    facts.ready = false;
    facts.since_ns = SystemClock().realtime_ns();
  });
  {
    const std::lock_guard lock(retiring_mutex_);
    retire_until_ = deadline;
  }
  retiring_thread_.request_stop();
  retiring_thread_.join();
  if (graph_) lost_items_ += graph_->Stop(deadline);
  graph_.reset();
  pages_.Stop();
  return lost_items_;
}

}  // namespace wirespan::gateway
