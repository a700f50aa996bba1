#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/process/cgroup.h"

namespace wirespan::process {

// What this process sees of control groups. Paths of /proc/PID/cgroup begin at the root of the
// reader's control group namespace, those that the kernel tells with an exec at the hierarchy's
// own:
//
//   namespace's root              /kubepods/podX/A
//   told                          /kubepods/podY/C
//   as /proc would have said it   /../../podY/C
//
// Lines are "id:controllers:path" throughout. Pure.
class CgroupView {
 public:
  // From the hierarchies' own roots: paths stay as they are.
  CgroupView() = default;
  // From a namespace's root, given as its lines; empty: it is not known where that is.
  explicit CgroupView(std::string_view root);

  // The group of a process from the lines that were told of it, as /proc would have shown it here.
  // Where the namespace's root is not known, all but the path.
  Placement Place(std::string_view told) const;

 private:
  struct Root {
    std::string controllers{};
    std::string path{};
  };
  bool from_the_top_ = true;
  std::vector<Root> roots_{};
};

// `path` as it is seen from `root`, both absolute.
std::string RelativeGroup(std::string_view root, std::string_view path);

}  // namespace wirespan::process
