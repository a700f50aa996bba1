#include "fake_proc.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <fstream>

namespace wirespan::process::testing {

namespace fs = std::filesystem;

FakeRoot::FakeRoot() {
  std::string pattern = (fs::temp_directory_path() / "wirespan-root-XXXXXX").string();
  root_ = ::mkdtemp(pattern.data());
  fs::create_directories(root_ / "proc");
}

FakeRoot::~FakeRoot() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void FakeRoot::Write(const std::string& file, std::string_view text) {
  const fs::path path = root_ / fs::path(file).relative_path();
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

void FakeRoot::Remove(std::uint32_t pid) { fs::remove_all(root_ / "proc" / std::to_string(pid)); }

void FakeRoot::Put(const FakeProcess& process) {
  Remove(process.pid);
  const std::string folder = fmt::format("proc/{}/", process.pid);
  const auto joined = [](const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += part + '\0';
    return out;
  };
  Write(folder + "stat",
        fmt::format("{} ({}) {} {} 1 1 0 -1 {} 1 2 3 4 5 6 7 8 20 0 1 0 {} 1000 10\n", process.pid,
                    process.comm, process.exiting ? 'Z' : 'S', process.parent_pid,
                    process.exiting ? 4194308 : 4194304, process.start_ticks));
  Write(folder + "status",
        fmt::format("Name:\t{}\nUid:\t0\t{}\t0\t0\nGid:\t0\t0\t0\t0\n{}", process.comm, process.uid,
                    process.inner_pid == 0
                        ? std::string()
                        : fmt::format("NSpid:\t{}\t{}\n", process.pid, process.inner_pid)));
  Write(folder + "cmdline", process.exiting ? "" : joined(process.arguments));
  Write(folder + "environ", joined(process.environment));
  Write(folder + "cgroup", process.cgroup);
  Write(folder + "maps", process.maps);
  Write(folder + "net/tcp", process.tcp);
  Write(folder + "net/tcp6", process.tcp6);
  Write(folder + "net/unix", process.unix_sockets);
  const fs::path base = root_ / folder;
  if (!process.executable.empty() && !process.exiting)
    fs::create_symlink(process.executable, base / "exe");
  fs::create_directories(base / "ns");
  fs::create_symlink(fmt::format("net:[{}]", process.network_namespace), base / "ns/net");
  fs::create_directories(base / "fd");
  for (std::size_t i = 0; i < process.descriptors.size(); ++i)
    fs::create_symlink(process.descriptors[i], base / "fd" / std::to_string(i));
}

}  // namespace wirespan::process::testing
