#include "agent/process/filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/process/glob.h"

namespace wirespan::process {
namespace {

constexpr std::string_view kGatewayName = "wirespan-gateway";

std::string_view WithoutDeleted(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return path;
}

std::optional<std::size_t> FirstMatch(const std::vector<ProcessMatch>& rules,
                                      const ProcessInfo& process) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (Matches(rules[i], process)) return i;
  }
  return std::nullopt;
}

bool HasLabels(const kube::TextPairs& wanted, const kube::TextPairs& labels) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    return std::any_of(labels.begin(), labels.end(), [&](const auto& label) {
      return label.first == one.first && GlobMatches(one.second, label.second);
    });
  });
}

}  // namespace

std::string JoinArguments(const std::vector<std::string>& arguments, std::size_t max_bytes) {
  std::string out;
  for (const std::string& argument : arguments) {
    if (!out.empty()) out.push_back(' ');
    out.append(argument);
    if (out.size() >= max_bytes) break;
  }
  if (out.size() > max_bytes) out.resize(max_bytes);
  return out;
}

bool Matches(const ProcessMatch& match, const ProcessInfo& process) {
  bool any = false;
  const kube::Pod* pod = process.kubernetes.pod.get();
  const auto check = [&](bool set, auto&& matches) {
    if (!set) return true;
    any = true;
    return static_cast<bool>(matches());
  };
  // Cheap ones first: this runs once a process, but with every rule.
  const bool all =
      check(match.pid != 0, [&] { return match.pid == process.pid; }) &&
      check(
          !match.executable.empty(),
          [&] { return PathGlobMatches(match.executable, WithoutDeleted(process.executable)); }) &&
      check(!match.cgroup.empty(),
            [&] { return GlobMatches(match.cgroup, process.placement.path); }) &&
      check(!match.systemd_unit.empty(),
            [&] { return GlobMatches(match.systemd_unit, process.placement.systemd_unit); }) &&
      check(!match.container_id.empty(),
            [&] {
              const std::string& id = process.placement.container_id;
              return !id.empty() &&
                     (id.starts_with(match.container_id) || GlobMatches(match.container_id, id));
            }) &&
      check(!match.container_name.empty(),
            [&] {
              return !process.container_name.empty() &&
                     GlobMatches(match.container_name, process.container_name);
            }) &&
      check(!match.pod_namespace.empty(),
            [&] { return pod != nullptr && GlobMatches(match.pod_namespace, pod->name_space); }) &&
      check(!match.pod_name.empty(),
            [&] { return pod != nullptr && GlobMatches(match.pod_name, pod->name); }) &&
      check(!match.pod_labels.empty(),
            [&] { return pod != nullptr && HasLabels(match.pod_labels, pod->labels); }) &&
      check(!match.command_line.empty(),
            [&] { return GlobMatches(match.command_line, JoinArguments(process.arguments)); });
  return any && all;
}

std::string DescribeMatch(const ProcessMatch& match) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, value);
  };
  add("executable", match.executable);
  add("command_line", match.command_line);
  add("pid", match.pid == 0 ? std::string() : std::to_string(match.pid));
  add("cgroup", match.cgroup);
  add("container_id", match.container_id);
  add("container_name", match.container_name);
  add("systemd_unit", match.systemd_unit);
  add("pod_namespace", match.pod_namespace);
  add("pod_name", match.pod_name);
  for (const auto& [key, value] : match.pod_labels) add("pod_labels." + key, value);
  return out;
}

FilterDecision Decide(const FilterConfig& config, const ProcessInfo& process) {
  if (config.own_pid != 0 && process.pid == config.own_pid)
    return {false, FilterReason::kOwnAgent, 0};
  for (const PodScope& pod : config.left_out) {
    if (pod.Contains(process.placement)) return {false, FilterReason::kOtherAgent, 0};
  }
  if (config.only_own_pod && !(config.own_pod && config.own_pod->Contains(process.placement)))
    return {false, FilterReason::kOtherPod, 0};
  if (const auto rule = FirstMatch(config.exclude, process))
    return {false, FilterReason::kExcludeRule, *rule};
  if (const auto rule = FirstMatch(config.include, process))
    return {true, FilterReason::kIncludeRule, *rule};
  if (ExecutableName(process.executable) == kGatewayName) return {false, FilterReason::kGateway, 0};
  if (!config.include.empty()) return {false, FilterReason::kNoIncludeRule, 0};
  return {true, FilterReason::kDefault, 0};
}

std::string DescribeDecision(const FilterConfig& config, const FilterDecision& decision) {
  const auto rule = [&](const std::vector<ProcessMatch>& rules) {
    return decision.rule < rules.size() ? DescribeMatch(rules[decision.rule])
                                        : std::string("changed since");
  };
  switch (decision.reason) {
    case FilterReason::kDefault:
      return "observed: no rule excludes it";
    case FilterReason::kIncludeRule:
      return fmt::format("observed by include rule {} ({})", decision.rule + 1,
                         rule(config.include));
    case FilterReason::kOwnAgent:
      return "excluded: it is this agent";
    case FilterReason::kExcludeRule:
      return fmt::format("excluded by exclude rule {} ({})", decision.rule + 1,
                         rule(config.exclude));
    case FilterReason::kGateway:
      return "excluded: wirespan's own gateway is observed only where an include rule names it";
    case FilterReason::kNoIncludeRule:
      return "excluded: there are include rules and none of them matches";
    case FilterReason::kOtherAgent:
      return "excluded: an agent of its own observes its pod";
    case FilterReason::kOtherPod:
      return "excluded: only this agent's own pod is observed (capture.filter.own_pod)";
  }
  return {};
}

}  // namespace wirespan::process
