#include "common/base/memory_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace wirespan {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "max", and v1's "no limit" (a number near 2^63), are none.
std::optional<std::uint64_t> ReadLimit(const std::string& path) {
  const std::string text = ReadAll(path);
  const auto value = ParseUint(TrimAscii(text));
  if (!value || *value >= std::uint64_t{1} << 62) return std::nullopt;
  return value;
}

void Lower(std::optional<std::uint64_t>& least, std::optional<std::uint64_t> value) {
  if (value) least = std::min(least.value_or(*value), *value);
}

// The limits from `cgroup` (a path below `mount`) up to the mount. A path that this mount does not
// have is the host's, seen from a container: then the mount itself is the container's.
void LowerByCgroups(std::optional<std::uint64_t>& least, const std::string& mount,
                    std::string cgroup, const std::string& file) {
  while (!cgroup.empty() && cgroup != "/") {
    Lower(least, ReadLimit(mount + cgroup + "/" + file));
    cgroup.resize(cgroup.rfind('/'));
  }
  Lower(least, ReadLimit(mount + "/" + file));
}

std::optional<std::uint64_t> MachineMemory(const std::string& root) {
  const std::string text = ReadAll(root + "/proc/meminfo");
  constexpr std::string_view kName = "MemTotal:";
  const std::size_t at = text.find(kName);
  if (at == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(at + kName.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto kib = ParseUint(rest.substr(0, rest.find(' ')));
  if (!kib) return std::nullopt;
  return *kib * 1024;
}

// /proc/self/statm: size resident shared ..., in pages.
std::array<std::uint64_t, 3> Statm() {
  std::array<std::uint64_t, 3> pages{};
  const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128];
  const auto got = file.valid() ? ::read(file.get(), text, sizeof(text)) : -1;
  if (got <= 0) return pages;
  const char* at = text;
  const char* end = text + got;
  for (std::uint64_t& one : pages) {
    const auto read = std::from_chars(at, end, one);
    if (read.ec != std::errc()) return {};
    at = read.ptr + (read.ptr < end ? 1 : 0);
  }
  return pages;
}

std::uint64_t PageBytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

std::optional<std::uint64_t> AvailableMemoryBytes(const std::string& root) {
  std::optional<std::uint64_t> least = MachineMemory(root);
  const std::string cgroups = ReadAll(root + "/proc/self/cgroup");
  // "hierarchy:controllers:path"; v2 is hierarchy 0 without controllers.
  for (const std::string_view line : Split(cgroups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (!path.starts_with('/') || path.find("..") != std::string::npos) continue;
    if (controllers.empty()) {
      LowerByCgroups(least, root + "/sys/fs/cgroup", path, "memory.max");
      continue;
    }
    const auto names = Split(controllers, ',');
    if (std::find(names.begin(), names.end(), "memory") != names.end()) {
      LowerByCgroups(least, root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
    }
  }
  return least;
}

std::uint64_t PrivateResidentBytes() {
  const auto pages = Statm();
  return pages[1] > pages[2] ? (pages[1] - pages[2]) * PageBytes() : 0;
}

std::uint64_t ResidentBytes() { return Statm()[1] * PageBytes(); }

}  // namespace wirespan
