#include "gateway/app/run.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include "common/base/clock.h"
#include "common/base/service_notify.h"
#include "common/base/version.h"
#include "common/base/wait.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "gateway/app/graph.h"
#include "gateway/app/memory_watch.h"
#include "gateway/extension/health.h"
#include "gateway/extension/self_metrics.h"
#include "gateway/ingest/grpc_receiver.h"

namespace wirespan::gateway {

namespace {

using std::chrono::steady_clock;

int Failed(const Error& error) {
  log::Write(log::Level::kError, error.message);
  return kExitFailed;
}

// The service manager is told, not needed.
void Tell(const Result<>& told) {
  if (!told) log::Warn("service manager: {}", told.error().message);
}

int WaitForSignal(const SignalWaiter& signals, const ServiceNotify& service) {
  using std::chrono::milliseconds;
  const auto watched = std::chrono::duration_cast<milliseconds>(service.alive_interval());
  for (;;) {
    const auto signal =
        signals.WaitFor(watched > milliseconds(0) ? watched : std::chrono::hours(1));
    if (signal) return *signal;
    Tell(service.Alive());
  }
}

void RegisterBudget(telemetry::Registry& registry, const std::shared_ptr<MemoryBudget>& budget) {
  const auto add = [&](std::string name, std::string_view help, auto value) {
    registry.AddCollector(name, help, false,
                          [name, value, budget](std::vector<telemetry::Sample>& out) {
                            out.push_back({.name = name, .value = value(*budget)});
                          });
  };
  add("wirespan_gateway_held_bytes", "Bytes of requests from the door to the last exporter",
      [](const MemoryBudget& b) { return static_cast<double>(b.used_bytes()); });
  add("wirespan_gateway_held_limit_bytes", "Their bound; beyond it requests are told to come again",
      [](const MemoryBudget& b) { return static_cast<double>(b.limit_bytes()); });
}

}  // namespace

int Run(const ConfigSources& sources, const RunOptions& options) {
  const auto loaded = LoadConfig(sources);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().message);
    return kExitUsage;
  }
  const GatewayConfig& config = *loaded;
  // Before any thread: all of them inherit the blocked signals.
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT});
  if (!signals) return Failed(signals.error());
  const auto service = ServiceNotify::FromEnvironment();
  std::signal(SIGPIPE, SIG_IGN);
  log::Configure(config.log);
  QuietGrpc();

  telemetry::Registry registry;
  RegisterProcessMetrics(registry, SystemClock());
  const auto budget = MemoryBudget::Create(0);
  RegisterBudget(registry, budget);
  MemoryWatch memory(budget, MemoryCeilingBytes(config), options.memory_bytes, registry);

  Readiness readiness;
  const ListenConfig& health_listen = config.health.listen;
  auto health = StartHealth(health_listen.host, health_listen.port, health_listen.path, readiness,
                            SystemClock());
  if (!health) {
    // Nobody asked for it by name: a second gateway on the machine must not fail for it.
    if (health_listen.configured)
      return Failed({.message = "health_check: " + health.error().message});
    log::Warn("health: {}; going on without the health page", health.error().message);
  } else {
    log::Info("health: http://{}:{}{}", health_listen.host, (*health)->port(), health_listen.path);
  }
  std::unique_ptr<http::Server> metrics;
  if (config.metrics) {
    auto started = StartSelfMetrics(config.metrics->host, config.metrics->port, registry);
    if (!started) {
      return Failed({.message = "service.telemetry.metrics: " + started.error().message});
    }
    metrics = std::move(*started);
    log::Info("metrics: http://{}:{}/metrics", config.metrics->host, metrics->port());
  }

  auto graph = Graph::Start(config, budget, registry);
  if (!graph) return Failed(graph.error());
  for (const auto& [name, port] : (*graph)->ports()) {
    log::Info("receiver {}: listening on port {}", name, port);
  }
  readiness.Set(true, SystemClock().realtime_ns());
  log::Info("gateway: wirespan-gateway {} is ready", kVersion);

  Tell(service.Ready("taking telemetry"));
  const int signal = WaitForSignal(*signals, service);

  log::Info("gateway: {}, draining for at most {} ms", ::strsignal(signal), options.drain.count());
  Tell(service.Stopping("delivering what is held"));
  readiness.Set(false, SystemClock().realtime_ns());
  const std::uint64_t left = (*graph)->Stop(steady_clock::now() + options.drain);
  if (left > 0) {
    log::Warn("gateway: {} items were not delivered", left);
  } else {
    log::Info("gateway: everything was delivered");
  }
  if (metrics) metrics->Stop(std::chrono::milliseconds(100));
  if (health) (*health)->Stop(std::chrono::milliseconds(100));
  return kExitOk;
}

}  // namespace wirespan::gateway
