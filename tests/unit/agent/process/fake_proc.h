#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace wirespan::process::testing {

struct FakeProcess {
  std::uint32_t pid = 100;
  std::uint32_t parent_pid = 1;
  std::uint64_t start_ticks = 5000;
  std::string comm = "shop";
  std::string executable = "/usr/bin/shop";
  std::vector<std::string> arguments = {"/usr/bin/shop"};
  std::vector<std::string> environment{};
  std::string cgroup = "0::/user.slice/session-1.scope\n";
  std::uint32_t uid = 1000;
  std::uint32_t inner_pid = 0;  // 0: the file has no NSpid, as before 4.1
  bool exiting = false;         // a zombie: without executable and arguments too
  std::string maps{};
  std::uint64_t network_namespace = 4026531840;
  std::vector<std::string> descriptors{};  // targets
  std::string tcp{}, tcp6{}, unix_sockets{};
};

// A host's tree in a temporary folder, with the files under /proc that this folder's code reads.
class FakeRoot {
 public:
  FakeRoot();
  ~FakeRoot();
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  std::string path() const { return root_.string(); }
  // Replaces what was there.
  void Put(const FakeProcess& process);
  void Remove(std::uint32_t pid);
  void Write(const std::string& file, std::string_view text);  // path from the root on

 private:
  std::filesystem::path root_;
};

}  // namespace wirespan::process::testing
