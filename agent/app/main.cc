// Composition root: flags in, one command out.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>

#include "agent/app/commands.h"
#include "agent/app/exit_codes.h"
#include "common/base/version.h"

namespace {

using namespace wirespan::app;

void AddConfig(CLI::App* command, ConfigFlags& flags) {
  command->add_option("-c,--config", flags.file,
                      "YAML file; without one everything has its default");
}

// One sentence, and where to read on.
int UsageError(const CLI::App& app, int argc, char** argv, const std::string& what) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  const std::string first = argc > 1 ? argv[1] : "";
  const bool command = std::any_of(commands.begin(), commands.end(),
                                   [&](const CLI::App* one) { return one->get_name() == first; });
  if (command) {
    std::cerr << "wirespan-agent: " << first << ": " << what << " (see wirespan-agent " << first
              << " --help)\n";
  } else if (first.empty()) {
    std::cerr << "wirespan-agent: a command is missing, such as run, watch or explain (see "
                 "wirespan-agent --help)\n";
  } else if (first.front() != '-') {
    std::cerr << "wirespan-agent: there is no command '" << first
              << "' (see wirespan-agent --help)\n";
  } else {
    std::cerr << "wirespan-agent: " << what << " (see wirespan-agent --help)\n";
  }
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "wirespan-agent: HTTP exchanges of this machine as OpenTelemetry spans, without touching a "
      "program"};
  app.set_version_flag("--version", std::string("wirespan-agent ") + wirespan::kVersion);
  app.require_subcommand(1);
  int exit_code = kExitOk;

  RunFlags run;
  auto* run_command = app.add_subcommand("run", "observe and export until told to stop");
  AddConfig(run_command, run.config);
  run_command->callback([&] { exit_code = RunCommand(run); });

  WatchFlags watch;
  auto* watch_command = app.add_subcommand("watch", "show exchanges as they happen");
  AddConfig(watch_command, watch.config);
  watch_command
      ->add_option("--port", watch.filter.ports, "of the server; may be given several times")
      ->check(CLI::Range(1, 65535));
  watch_command->add_option("--process", watch.filter.process,
                            "executable or service name (glob), or a pid");
  watch_command->add_option("--path", watch.filter.path, "glob on the path with its query");
  watch_command->add_option("--status", watch.filter.status,
                            "404, 5xx, 400-499, error; gRPC's: NOT_FOUND, 5, 1-16");
  watch_command->add_option("--slower-than", watch.filter.slower_than_ms, "milliseconds");
  watch_command->add_option("--side", watch.filter.side, "server or client");
  watch_command->add_option("--count", watch.count, "stop after so many");
  watch_command->add_option("--socket", watch.control_socket,
                            "control socket of the running agent");
  watch_command->add_flag("--json", watch.json, "one JSON object a line");
  watch_command->callback([&] { exit_code = WatchCommand(watch); });

  ExplainFlags explain;
  auto* explain_command = app.add_subcommand(
      "explain", "say for each process with sockets what is seen, how, and what is not");
  AddConfig(explain_command, explain.config);
  explain_command->add_option("pid", explain.pid, "this process alone");
  explain_command->add_option("--socket", explain.control_socket,
                              "control socket of the running agent");
  explain_command->add_flag("--json", explain.json, "as JSON");
  explain_command->callback([&] { exit_code = ExplainCommand(explain); });

  CheckFlags check;
  auto* check_command = app.add_subcommand("check", "say what this kernel and these rights allow");
  check_command->add_flag("--json", check.json, "as JSON");
  check_command->callback([&] { exit_code = CheckCommand(check); });

  ConfigFlags validate;
  auto* validate_command =
      app.add_subcommand("validate", "check a configuration file and list all its errors");
  AddConfig(validate_command, validate);
  validate_command->add_option("file", validate.file, "the file");
  validate_command->callback([&] { exit_code = ValidateCommand(validate); });

  RecordFlags record;
  std::uint64_t record_seconds = 0;
  auto* record_command =
      app.add_subcommand("record", "write the event stream to a file that replay reads");
  AddConfig(record_command, record.config);
  record_command->add_option("file", record.file, "must not exist yet; made with mode 0600")
      ->required();
  record_command->add_flag("--raw", record.raw,
                           "keep the values of Authorization and Cookie headers");
  record_command->add_option("--max-bytes", record.max_bytes, "size of the file at most");
  record_command->add_option("--seconds", record_seconds, "stop after so many seconds")
      ->check(CLI::Range(0, 1000000));
  record_command->callback([&] {
    record.duration = std::chrono::seconds(record_seconds);
    exit_code = RecordCommand(record);
  });

  ReplayFlags replay;
  auto* replay_command =
      app.add_subcommand("replay", "produce spans from a recording, without a kernel");
  AddConfig(replay_command, replay.config);
  replay_command->add_option("file", replay.file, "a recording")->required();
  replay_command->add_flag("--json", replay.json, "one JSON object a line");
  replay_command->add_flag("--export", replay.exporting, "send the spans by OTLP");
  replay_command->callback([&] { exit_code = ReplayCommand(replay); });

  ConfigFlags release;
  auto* release_command = app.add_subcommand(
      "release",
      "remove the programs that a stopped agent left for the next one (capture.handover)");
  AddConfig(release_command, release);
  release_command->callback([&] { exit_code = ReleaseCommand(release); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), kExitOk;  // --help, --version
    return UsageError(app, argc, argv, error.what());
  }
  return exit_code;
}
