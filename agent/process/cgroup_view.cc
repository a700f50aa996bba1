#include "agent/process/cgroup_view.h"

#include <algorithm>

#include "agent/process/cgroup_lines.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxLines = 8;

// The next component of a path, and the rest; empty: there is none.
std::string_view NextComponent(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

}  // namespace

std::string RelativeGroup(std::string_view root, std::string_view path) {
  std::string_view left = root, rest = path;
  for (;;) {
    std::string_view after_root = left, after_path = rest;
    const std::string_view component = NextComponent(after_root);
    if (component.empty() || component != NextComponent(after_path)) break;
    left = after_root;
    rest = after_path;
  }
  std::string out;
  while (!NextComponent(left).empty()) out += "/..";
  for (std::string_view component = NextComponent(rest); !component.empty();
       component = NextComponent(rest)) {
    out += '/';
    out += component;
  }
  return out.empty() ? "/" : out;
}

CgroupView::CgroupView(std::string_view root) : from_the_top_(false) {
  ForEachCgroupLine(root, kMaxLines, [&](const CgroupLine& line) {
    roots_.push_back(
        {.controllers = std::string(line.controllers), .path = std::string(line.path)});
  });
}

Placement CgroupView::Place(std::string_view told) const {
  if (from_the_top_) return ParseCgroup(told);
  std::string seen;
  bool lost = false;
  ForEachCgroupLine(told, kMaxLines, [&](const CgroupLine& line) {
    const auto root = std::find_if(roots_.begin(), roots_.end(), [&](const Root& one) {
      return one.controllers == line.controllers;
    });
    if (root == roots_.end()) {
      lost = true;
      return;
    }
    seen += line.head;
    seen += RelativeGroup(root->path, line.path);
    seen += '\n';
  });
  if (!lost) return ParseCgroup(seen);
  Placement placement = ParseCgroup(told);
  placement.path.clear();
  return placement;
}

}  // namespace wirespan::process
