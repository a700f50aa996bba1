#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace wirespan::process {

// One line of /proc/PID/cgroup: "id:controllers:path"; no controllers: version 2's.
struct CgroupLine {
  std::string_view head{};  // "id:controllers:"
  std::string_view controllers{};
  std::string_view path{};
};

// Visits the first `most` lines; those that are none are left out. `text` stays the caller's.
template <class Visit>
void ForEachCgroupLine(std::string_view text, std::size_t most, const Visit& visit) {
  for (std::size_t n = 0; n < most && !text.empty(); ++n) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = row.find(':');
    if (first == std::string_view::npos) continue;
    const std::size_t second = row.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    visit(CgroupLine{.head = row.substr(0, second + 1),
                     .controllers = row.substr(first + 1, second - first - 1),
                     .path = row.substr(second + 1)});
  }
}

}  // namespace wirespan::process
