#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

// The machine, read once at start. Missing files leave fields empty: a resource without host.id is
// still a resource.
namespace wirespan::process {

struct HostInfo {
  std::string name{};     // host.name
  std::string id{};       // host.id: /etc/machine-id as it stands, as the conventions have it
  std::string arch{};     // host.arch in the conventions' words: amd64, arm64, ...
  std::string kernel{};   // "6.1.0-18-amd64"
  std::string boot_id{};  // new at each boot
};

// `root`: where the host's file system lies, "" for this one.
HostInfo ReadHost(const std::string& root = {});

// uname's machine in the words of host.arch; unknown ones as they are.
std::string ArchitectureName(const std::string& machine);

// uid -> login name by root/etc/passwd. Not by NSS, which may ask the network.
class UserNames {
 public:
  static UserNames Read(const std::string& root = {});
  // Empty: unknown.
  std::string Find(std::uint32_t uid) const;

 private:
  std::unordered_map<std::uint32_t, std::string> names_{};  // at most 10,000
};

}  // namespace wirespan::process
