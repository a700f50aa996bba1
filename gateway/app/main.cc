#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/version.h"
#include "gateway/app/allocator.h"
#include "gateway/app/components.h"
#include "gateway/app/config_loader.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/probe_command.h"
#include "gateway/app/queue_command.h"
#include "gateway/app/run.h"
#include "gateway/app/store_command.h"

namespace {

using namespace wirespan::gateway;

constexpr const char* kUsualConfig = "/etc/otel/config.yaml";

// Said once for the program and once for each command, so that it may stand before or after its
// name.
void AddSources(CLI::App& command, ConfigSources& sources) {
  command
      .add_option("--config", sources.uris,
                  "Configuration: a file, or file:, env:, yaml: and what they name; given several "
                  "times, later ones win")
      ->allow_extra_args(false)
      ->type_name("URI");
  command
      .add_option("--set", sources.sets,
                  "One setting, such as processors.batch.timeout=2s; wins over all files")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
}

// False, with a line on standard error: nothing was named and the usual file is not there.
bool Complete(ConfigSources& sources) {
  if (!sources.uris.empty()) return true;
  if (::access(kUsualConfig, F_OK) == 0) {
    sources.uris.emplace_back(kUsualConfig);
    return true;
  }
  fmt::print(stderr, "wirespan-gateway: --config FILE is missing, and there is no {}\n",
             kUsualConfig);
  return false;
}

void AddProbe(CLI::App& command, ProbeOptions& options) {
  command.add_option("url", options.url, "A page, or with --span an OTLP/HTTP endpoint")
      ->required();
  command.add_flag("--span", options.span, "Send one span; succeed once it was taken");
  command
      .add_option("--retry-seconds", options.retry_seconds, "Ask again for so long while it fails")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command.add_option("--header", options.headers, "Of the request")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  command.add_option("--ca-file", options.tls.ca_file, "Authorities; the system's otherwise");
  command.add_option("--cert-file", options.tls.certificate_file, "A certificate to show");
  command.add_option("--key-file", options.tls.key_file, "Its key");
}

// `store verify|dump|backup|delete`: `run` is what was asked for.
struct StoreArguments {
  std::string directory{};
  std::string trace{};
  std::string to{};
  std::function<int()> run{};
};

CLI::App* AddStore(CLI::App& app, StoreArguments& arguments) {
  CLI::App* store = app.add_subcommand("store", "Look after the embedded store's folder");
  store->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, std::function<int()> run) {
    CLI::App* command = store->add_subcommand(name, help);
    command->add_option("--directory", arguments.directory, "The exporter's directory")->required();
    command->callback([&arguments, run = std::move(run)] { arguments.run = run; });
    return command;
  };
  const StoreArguments* given = &arguments;
  add("verify", "Read every file and tell what is damaged; changes nothing",
      [given] { return VerifyStoreFolder(given->directory); });
  add("dump", "Print what is held, a line of OTLP's JSON for each request; changes nothing",
      [given] { return DumpStoreFolder(given->directory, given->trace); })
      ->add_option("--trace", arguments.trace, "This trace alone");
  add("backup", "Copy what is held, also while a gateway runs",
      [given] { return BackUpStoreFolder(given->directory, given->to); })
      ->add_option("--to", arguments.to, "A folder that is empty or not there yet")
      ->required();
  add("delete", "Delete a trace, while no gateway runs",
      [given] { return DeleteTraceFromFolder(given->directory, given->trace); })
      ->add_option("--trace", arguments.trace, "Its id")
      ->required();
  return store;
}

int Print(const ConfigSources& sources, bool redacted) {
  const auto text = PrintConfig(sources, redacted);
  if (!text) {
    fmt::print(stderr, "{}\n", text.error().message);
    return kExitUsage;
  }
  fmt::print("{}", *text);
  return kExitOk;
}

int Validate(const ConfigSources& sources) {
  const auto config = LoadConfig(sources);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return kExitUsage;
  }
  for (const std::string& warning : config->warnings) fmt::print(stderr, "{}\n", warning);
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"An OTLP gateway with the OpenTelemetry Collector's configuration",
               "wirespan-gateway"};
  ConfigSources sources;
  std::size_t memory_mib = 0;
  int drain_ms = 15000;
  AddSources(app, sources);
  app.add_option("--max-held-mib", memory_mib,
                 "Requests held in memory, in MiB, at most; 0: what the memory limit allows")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--drain-timeout-ms", drain_ms, "Time for what is held after SIGTERM")
      ->check(CLI::Range(0, 3600 * 1000))
      ->capture_default_str();
  app.set_version_flag("--version", fmt::format("wirespan-gateway {}", wirespan::kVersion));
  CLI::App* validate = app.add_subcommand("validate", "Check the configuration and exit");
  AddSources(*validate, sources);
  CLI::App* print = app.add_subcommand("print-config", "Print the merged configuration and exit");
  AddSources(*print, sources);
  std::string mode = "redacted";
  print->add_option("--mode", mode, "redacted or unredacted: whether secrets are shown")
      ->check(CLI::IsMember({"redacted", "unredacted"}))
      ->capture_default_str();
  CLI::App* components = app.add_subcommand("components", "List what a configuration can name");
  std::string folder;
  CLI::App* queue = app.add_subcommand("queue", "Look into a sending queue on disk");
  CLI::App* dump = queue->add_subcommand("dump", "A line for each record; changes nothing");
  dump->add_option("folder", folder, "Of one exporter and signal, below file_storage's directory")
      ->required();
  queue->require_subcommand(1);
  StoreArguments store;
  CLI::App* store_commands = AddStore(app, store);
  CLI::App* probe = app.add_subcommand("probe", "Ask whether a gateway answers");
  ProbeOptions probe_options;
  AddProbe(*probe, probe_options);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (dump->parsed()) return DumpQueue(folder);
  if (store_commands->parsed()) return store.run();
  if (probe->parsed()) return Probe(probe_options);
  if (components->parsed()) {
    fmt::print("{}", ComponentsText());
    return kExitOk;
  }
  if (!Complete(sources)) return kExitUsage;
  KeepMemoryOfRequests();
  AllowManyConnections();
  if (validate->parsed()) return Validate(sources);
  if (print->parsed()) return Print(sources, mode == "redacted");
  RunOptions options{.drain = std::chrono::milliseconds(drain_ms)};
  if (memory_mib > 0) options.memory_bytes = memory_mib << 20;
  return Run(sources, options);
}
