#include "agent/process/host.h"

#include <fcntl.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "agent/process/file_reader.h"
#include "agent/process/net_table.h"

namespace wirespan::process {
namespace {

// The first line, without spaces around; at most 256 bytes.
std::string FirstLine(const std::string& path) {
  auto file = ReadFileAt(AT_FDCWD, path, 256);
  if (!file) return {};
  std::string line = file->text.substr(0, file->text.find('\n'));
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
  const bool printable =
      std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return printable ? line : std::string();
}

std::string FirstOf(const std::string& root, std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    if (std::string line = FirstLine(root + path); !line.empty()) return line;
  }
  return {};
}

}  // namespace

std::string ArchitectureName(const std::string& machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("arm")) return "arm32";
  if (machine == "i386" || machine == "i586" || machine == "i686") return "x86";
  if (machine.starts_with("ppc64")) return "ppc64";
  return machine;
}

HostInfo ReadHost(const std::string& root) {
  HostInfo host;
  utsname names{};
  if (::uname(&names) == 0) {
    host.arch = ArchitectureName(names.machine);
    host.kernel = names.release;
    host.name = names.nodename;
  }
  // In a container of our own, uname's name is the container's: the host's tree knows better.
  if (!root.empty()) {
    if (std::string name = FirstOf(root, {"/etc/hostname", "/proc/sys/kernel/hostname"});
        !name.empty())
      host.name = std::move(name);
  }
  host.id = FirstOf(root, {"/etc/machine-id", "/var/lib/dbus/machine-id"});
  if (host.id == "uninitialized") host.id.clear();
  host.boot_id = FirstOf(root, {"/proc/sys/kernel/random/boot_id"});
  return host;
}

UserNames UserNames::Read(const std::string& root) {
  UserNames users;
  LineReader lines([&](std::string_view line) {
    const std::size_t first = line.find(':');
    if (first == 0 || first == std::string_view::npos || first > 64) return;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) return;
    std::uint32_t uid = 0;
    const char* end = line.data() + line.size();
    const auto [stop, problem] = std::from_chars(line.data() + second + 1, end, uid);
    if (problem != std::errc{} || stop == end || *stop != ':' || users.names_.size() >= 10'000)
      return;
    users.names_.emplace(uid, line.substr(0, first));
  });
  (void)ReadPiecesAt(AT_FDCWD, root + "/etc/passwd", 1 << 20, [&](std::string_view piece) {
    lines.Feed(piece);
    return true;
  });
  lines.Finish();
  return users;
}

std::string UserNames::Find(std::uint32_t uid) const {
  const auto found = names_.find(uid);
  return found == names_.end() ? std::string() : found->second;
}

}  // namespace wirespan::process
