#include "agent/process/own.h"

#include <fcntl.h>

#include "agent/process/file_reader.h"
#include "agent/process/procfs.h"
#include "common/base/strings.h"

namespace wirespan::process {

Result<OwnProcess> ReadOwnProcess(const std::string& root) {
  // The link is made for its reader: its pid as the mounted /proc counts.
  const std::string link = root + "/proc/self";
  auto target = ReadLinkAt(AT_FDCWD, link);
  if (!target) return Wrap(link, std::move(target.error()));
  const auto pid = ParseUint(*target);
  if (!pid || *pid == 0 || *pid > UINT32_MAX)
    return Fail(ErrorCode::kInvalidArgument, link + " leads to " + *target + ", which is no pid");
  auto folder = ProcessFolder::Open(root, static_cast<std::uint32_t>(*pid));
  if (!folder) return Wrap("own process", std::move(folder.error()));
  auto stat = folder->Stat();
  if (!stat) return Wrap("own process", std::move(stat.error()));
  auto cgroup = folder->Cgroup();
  if (!cgroup) return Wrap("own process", std::move(cgroup.error()));
  return OwnProcess{.pid = static_cast<std::uint32_t>(*pid),
                    .start_ticks = stat->start_ticks,
                    .placement = ParseCgroup(*cgroup)};
}

}  // namespace wirespan::process
