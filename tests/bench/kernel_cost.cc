// What the kernel side of capture costs: loads a backend, drains it into nothing, runs a command
// that makes traffic, and prints the runs and the time of each BPF program.
//
//   kernel_cost <backend> <exchanges the command makes, or 0> <command> [argument...]
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

#include "agent/kernel/live_source.h"

namespace {

using namespace wirespan;

struct Nothing : connection::EventHandler {
  void OnEvent(const connection::Event&) override { ++events; }
  std::uint64_t events = 0;
};

int Run(char** command) {
  const pid_t pid = fork();
  if (pid == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "kernel_cost BACKEND EXCHANGES COMMAND...\n");
    return 2;
  }
  auto source = kernel::LiveSource::Create({.backend = argv[1], .keep_statistics = true});
  if (!source) {
    std::fprintf(stderr, "%s\n", source.error().message.c_str());
    return 1;
  }
  Nothing nothing;
  int code = 0;
  std::map<std::string, kernel::ProgramCost> before;
  for (const auto& program : (*source)->Status().programs) before[program.program] = program;
  std::atomic<bool> done = false;
  std::jthread traffic([&] {
    code = Run(argv + 3);
    done = true;
  });
  while (!done) (void)(*source)->Poll(nothing, std::chrono::milliseconds(20));
  const auto status = (*source)->Status();
  const double exchanges = std::atof(argv[2]);
  double all = 0;
  for (const auto& program : status.programs) {
    const auto runs = program.runs - before[program.program].runs;
    const auto ns = program.run_time_ns - before[program.program].run_time_ns;
    all += static_cast<double>(ns);
    if (runs > 0) {
      std::printf("%-20s %9llu runs %7.0f ns a run\n", program.program.c_str(),
                  static_cast<unsigned long long>(runs),
                  static_cast<double>(ns) / static_cast<double>(runs));
    }
  }
  if (exchanges > 0)
    std::printf("all programs: %.0f ns an exchange and side\n", all / exchanges / 2);
  for (const auto& count : status.counts) {
    if (count.events > 0)
      std::printf("  %s{%s} %llu events, %llu bytes\n", count.name.c_str(), count.reason.c_str(),
                  static_cast<unsigned long long>(count.events),
                  static_cast<unsigned long long>(count.bytes));
  }
  std::printf("%llu events told\n", static_cast<unsigned long long>(nothing.events));
  return code;
}
