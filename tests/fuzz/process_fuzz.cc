// What processes and container runtimes write and the agent reads: environment, command line, stat,
// cgroup, net tables, Go's build information, JSON of runtimes. The first byte picks the parser.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/process/cgroup.h"
#include "agent/process/cgroup_view.h"
#include "agent/process/command_line.h"
#include "agent/process/container_name.h"
#include "agent/process/go_build_info.h"
#include "agent/process/instrumented.h"
#include "agent/process/json_text.h"
#include "agent/process/net_table.h"
#include "agent/process/proc_text.h"
#include "agent/process/resource.h"

namespace {

using namespace wirespan::process;

void Require(bool condition) {
  if (!condition) std::abort();
}

void Environment(std::string_view text) {
  OtelVariableReader reader;
  const std::size_t half = text.size() / 2;
  reader.Feed(text.substr(0, half));
  reader.Feed(text.substr(half));
  ProcessInfo info;
  info.otel = reader.Finish();
  for (const auto& [name, value] : info.otel) Require(name.starts_with("OTEL_"));
  (void)DecideByEnvironment(info.otel);
  const ProcessResource resource = BuildResource(info, NameService({}, info), {}, {});
  Require(!resource.service_name.empty() && resource.service_name.size() <= 255);
}

void CommandLine(std::string_view text) {
  ProcessInfo info;
  const std::size_t end = text.find('\0');
  info.executable = text.substr(0, end);
  if (end != std::string_view::npos) info.arguments = SplitArguments(text.substr(end + 1));
  info.program = DescribeProgram(info.executable, info.arguments);
  Require(info.program.name == SaneName(info.program.name));
  Require(info.program.name.find('/') == std::string::npos);
  (void)DecideByCommandLine(info.arguments);
  (void)NameOfMonitor(info.arguments, "x");
  (void)BuildResource(info, NameService({}, info), {}, {.command_args = true});
}

void NetTables(std::string_view text) {
  LineReader lines([](std::string_view line) {
    (void)ParseInetLine(line, false);
    (void)ParseInetLine(line, true);
    if (const auto socket = ParseUnixLine(line)) Require(socket->path.size() <= 256);
    (void)ParseSocketLink(line);
  });
  lines.Feed(text.substr(0, text.size() / 2));
  lines.Feed(text.substr(text.size() / 2));
  lines.Finish();
}

void Go(std::string_view text) {
  (void)ParseGoBuildInfo(text);
  const auto info = ReadGoBuildInfo([&](std::uint64_t offset, std::size_t size) {
    return offset >= text.size() ? std::string() : std::string(text.substr(offset, size));
  });
  if (info) (void)IsInstrumentedGo(*info);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'e':
      Environment(text);
      break;
    case 'a':
      CommandLine(text);
      break;
    case 'n':
      NetTables(text);
      break;
    case 'g':
      Go(text);
      break;
    case 'c':
      (void)ParseCgroup(text);
      break;
    case 'v': {
      const std::size_t end = std::min(text.find('\0'), text.size());
      const std::string_view root = text.substr(0, end);
      const std::string_view told = text.substr(std::min(end + 1, text.size()));
      (void)CgroupView(root).Place(told);
      // Nothing is above the top, and nothing is anywhere but here as seen from itself.
      Require(RelativeGroup(told, told) == "/");
      Require(RelativeGroup("/", RelativeGroup("/", told)) == RelativeGroup("/", told));
      break;
    }
    case 's':
      (void)ParseStat(text);
      (void)ParseStatusUid(text);
      break;
    case 'j':
      (void)FindJsonString(text, {"Name"});
      (void)FindJsonString(text, {"annotations", "nerdctl/name"});
      break;
    default:
      (void)ParseResourceAttributes(text);
  }
  return 0;
}
