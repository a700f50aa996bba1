#include "agent/process/pod_scope.h"

#include <algorithm>
#include <string_view>

namespace wirespan::process {
namespace {

// Where the component that has the pod's uid in its name ends; npos: none has.
std::size_t EndOfPod(std::string_view path, std::string uid) {
  std::size_t at = path.find("pod" + uid);
  if (at == std::string_view::npos) {
    // systemd's names of slices have no dash inside.
    std::replace(uid.begin(), uid.end(), '-', '_');
    at = path.find("pod" + uid);
  }
  return at == std::string_view::npos ? at : std::min(path.find('/', at), path.size());
}

}  // namespace

std::optional<PodScope> PodScope::Of(const Placement& member) {
  const std::string& path = member.path;
  if (!path.starts_with('/')) return std::nullopt;
  if (!member.pod_uid.empty()) {
    if (const std::size_t end = EndOfPod(path, member.pod_uid); end != std::string::npos)
      return PodScope(path.substr(0, end), member.pod_uid);
  }
  if (path == "/") return PodScope("/..", {});
  const std::size_t last = path.rfind('/');
  // "/.." and the like end above what can be named.
  if (path.substr(last) == "/..") return PodScope(path + "/..", {});
  return PodScope(path.substr(0, last), {});
}

bool PodScope::Contains(const Placement& process) const {
  if (!uid_.empty() && process.pod_uid == uid_) return true;
  const std::string_view path = process.path;
  // The agent's own group and what is in it, where it sees itself at the root.
  if (group_ == "/.." && !path.empty() && !path.starts_with("/..")) return true;
  if (path == group_) return true;
  if (!path.starts_with(group_) || path.substr(group_.size(), 1) != "/") return false;
  return path.substr(group_.size()) != "/.." && !path.substr(group_.size()).starts_with("/../");
}

}  // namespace wirespan::process
