#include "common/telemetry/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "common/base/strings.h"

namespace wirespan::telemetry {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The numbers of /proc/PID/stat from field 3 on: the name before them may hold spaces and
// parentheses.
struct Stat {
  double cpu_seconds = 0;
  double threads = 0;
  double start_seconds_after_boot = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

std::optional<Stat> ReadStat(const std::string& proc_root) {
  const std::string text = ReadFile(proc_root + "/self/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = SplitList(std::string_view(text).substr(name_end + 1), ' ');
  // fields[0] is field 3 (state) of proc(5).
  if (fields.size() < 22) return std::nullopt;
  const auto field = [&](std::size_t number) {
    return static_cast<double>(ParseUint(fields[number - 3]).value_or(0));
  };
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return Stat{.cpu_seconds = (field(14) + field(15)) / ticks,
              .threads = field(20),
              .start_seconds_after_boot = field(22) / ticks,
              .virtual_bytes = field(23),
              .resident_bytes = field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE))};
}

std::optional<double> BootTime(const std::string& proc_root) {
  const std::string text = ReadFile(proc_root + "/stat");
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with("btime ")) continue;
    if (const auto seconds = ParseUint(TrimAscii(line.substr(6))))
      return static_cast<double>(*seconds);
  }
  return std::nullopt;
}

std::optional<double> CountEntries(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return std::nullopt;
  double count = -1;  // the folder's own descriptor is among them
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(folder);
  return count < 0 ? 0 : count;
}

}  // namespace

void RegisterProcessMetrics(Registry& registry, std::string proc_root) {
  const auto add = [&](std::string_view name, std::string_view help, bool monotonic, auto read) {
    registry.AddCollector(name, help, monotonic, [proc_root, read](std::vector<Sample>& out) {
      if (const std::optional<double> value = read(proc_root)) out.push_back({.value = *value});
    });
  };
  const auto stat = [](double Stat::* member) {
    return [member](const std::string& root) -> std::optional<double> {
      const auto read = ReadStat(root);
      if (!read) return std::nullopt;
      return (*read).*member;
    };
  };
  add("process_cpu_seconds_total", "User and system CPU time.", true, stat(&Stat::cpu_seconds));
  add("process_resident_memory_bytes", "Resident memory.", false, stat(&Stat::resident_bytes));
  add("process_virtual_memory_bytes", "Virtual memory.", false, stat(&Stat::virtual_bytes));
  add("process_threads", "Threads.", false, stat(&Stat::threads));
  add("process_open_fds", "Open file descriptors.", false,
      [](const std::string& root) { return CountEntries(root + "/self/fd"); });
  add("process_max_fds", "Limit of open file descriptors.", false,
      [](const std::string&) -> std::optional<double> {
        rlimit limit{};
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
        return static_cast<double>(limit.rlim_cur);
      });
  add("process_start_time_seconds", "Start time, seconds since 1970 UTC.", false,
      [](const std::string& root) -> std::optional<double> {
        const auto boot = BootTime(root);
        const auto read = ReadStat(root);
        if (!boot || !read) return std::nullopt;
        return *boot + read->start_seconds_after_boot;
      });
}

void RegisterBuildInfo(Registry& registry, std::string_view program, std::string_view version,
                       std::string_view revision) {
  registry
      .gauge("wirespan_build_info", "Which build this is; always 1.",
             {{"program", std::string(program)},
              {"version", std::string(version)},
              {"revision", std::string(revision)}})
      .Set(1);
}

}  // namespace wirespan::telemetry
