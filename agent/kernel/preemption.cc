#include "agent/kernel/preemption.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

namespace wirespan::kernel {
namespace {

std::string Text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<bool> ByMode(std::string_view mode) {
  if (mode == "full" || mode == "lazy") return true;
  if (mode == "none" || mode == "voluntary") return false;
  return std::nullopt;
}

// "none voluntary (full) lazy"
std::optional<bool> ByDebugfs(const std::string& text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  return ByMode(std::string_view(text).substr(open + 1, close - open - 1));
}

std::optional<bool> ByCommandLine(const std::string& text) {
  static constexpr std::string_view kKey = "preempt=";
  std::optional<bool> found;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.starts_with(kKey)) found = ByMode(std::string_view(word).substr(kKey.size()));
  }
  return found;
}

std::optional<bool> ByConfiguration(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "CONFIG_PREEMPT=y" || line == "CONFIG_PREEMPT_LAZY=y") return true;
    if (line == "CONFIG_PREEMPT_NONE=y" || line == "CONFIG_PREEMPT_VOLUNTARY=y") return false;
  }
  return std::nullopt;
}

std::string Release(const std::string& root) {
  std::string release = Text(root + "/proc/sys/kernel/osrelease");
  while (!release.empty() && release.back() == '\n') release.pop_back();
  return release;
}

// 7.0 or later.
bool IsRecent(const std::string& release) { return std::atoi(release.c_str()) >= 7; }

}  // namespace

bool KernelPreempts(const std::string& root) {
  const std::string version = Text(root + "/proc/version");
  if (version.find("PREEMPT_RT") != std::string::npos) return true;
  if (version.find("PREEMPT_DYNAMIC") == std::string::npos)
    return version.find(" PREEMPT") != std::string::npos;
  if (const auto says = ByDebugfs(Text(root + "/sys/kernel/debug/sched/preempt"))) return *says;
  if (const auto says = ByCommandLine(Text(root + "/proc/cmdline"))) return *says;
  const std::string release = Release(root);
  return ByConfiguration(Text(root + "/boot/config-" + release)).value_or(IsRecent(release));
}

bool TracepointsPreempt(const std::string& root) {
  return IsRecent(Release(root)) && KernelPreempts(root);
}

}  // namespace wirespan::kernel
