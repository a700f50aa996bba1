#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "common/base/version.h"
#include "gateway/app/components.h"
#include "gateway/app/config_loader.h"
#include "gateway/app/run.h"

int main(int argc, char** argv) {
  using namespace wirespan::gateway;
  CLI::App app{"An OTLP gateway with the OpenTelemetry Collector's configuration",
               "wirespan-gateway"};
  std::vector<std::string> files;
  std::size_t memory_mib = 512;
  int drain_ms = 15000;
  const auto add_config = [&](CLI::App& command) {
    command
        .add_option("--config", files, "Configuration file; given several times, later files win")
        ->type_name("FILE");
  };
  add_config(app);
  app.add_option("--max-held-mib", memory_mib, "Requests held in memory, in MiB, at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--drain-timeout-ms", drain_ms, "Time for what is held after SIGTERM")
      ->check(CLI::Range(0, 3600 * 1000))
      ->capture_default_str();
  app.set_version_flag("--version", fmt::format("wirespan-gateway {}", wirespan::kVersion));
  CLI::App* validate = app.add_subcommand("validate", "Check the configuration and exit");
  add_config(*validate);
  CLI::App* components = app.add_subcommand("components", "List what a configuration can name");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (components->parsed()) {
    fmt::print("{}", ComponentsText());
    return kExitOk;
  }
  if (files.empty()) {
    fmt::print(stderr, "wirespan-gateway: --config FILE is missing\n");
    return kExitUsage;
  }
  std::vector<std::string> warnings;
  auto config = LoadConfig(files, warnings);
  for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return kExitUsage;
  }
  if (validate->parsed()) return kExitOk;
  return Run(*config,
             {.memory_bytes = memory_mib << 20, .drain = std::chrono::milliseconds(drain_ms)});
}
