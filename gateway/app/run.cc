#include "gateway/app/run.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "common/base/clock.h"
#include "common/base/service_notify.h"
#include "common/base/strings.h"
#include "common/base/version.h"
#include "common/base/wait.h"
#include "common/telemetry/log.h"
#include "gateway/app/gateway.h"
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

// The next of the signals that are waited for.
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

void Reload(Gateway& gateway, const ConfigSources& sources, const ServiceNotify& service) {
  Tell(service.Reloading(std::chrono::microseconds(SystemClock().monotonic_ns() / 1000)));
  if (auto reloaded = gateway.Reload(sources); reloaded) {
    log::Info("gateway: the configuration was read again and is in force");
  } else {
    for (const std::string_view line : Split(reloaded.error().message, '\n')) {
      log::LogError("reload: {}", line);
    }
    log::LogError("gateway: the new configuration is not taken, the old one stays in force");
  }
  Tell(service.Ready("taking telemetry"));
}

}  // namespace

int Run(const ConfigSources& sources, const RunOptions& options) {
  auto config = LoadConfig(sources);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return kExitUsage;
  }
  // Before any thread: all of them inherit the blocked signals.
  auto signals = SignalWaiter::Create({SIGTERM, SIGINT, SIGHUP});
  if (!signals) return Failed(signals.error());
  const auto service = ServiceNotify::FromEnvironment();
  std::signal(SIGPIPE, SIG_IGN);
  log::Configure(config->log);
  for (const std::string& warning : config->warnings) log::Warn("{}", warning);
  QuietGrpc();

  Gateway gateway({.memory_bytes = options.memory_bytes, .drain = options.drain});
  if (auto started = gateway.Start(*config); !started) return Failed(started.error());
  log::Info("gateway: wirespan-gateway {} is ready", kVersion);
  Tell(service.Ready("taking telemetry"));

  int signal = 0;
  while ((signal = WaitForSignal(*signals, service)) == SIGHUP) Reload(gateway, sources, service);

  log::Info("gateway: {}, draining for at most {} ms", ::strsignal(signal), options.drain.count());
  Tell(service.Stopping("delivering what is held"));
  const std::uint64_t left = gateway.Stop(steady_clock::now() + options.drain);
  if (left > 0) {
    log::Warn("gateway: {} items were not delivered", left);
  } else {
    log::Info("gateway: everything was delivered");
  }
  return kExitOk;
}

}  // namespace wirespan::gateway
