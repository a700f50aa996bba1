#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/process/pod_scope.h"
#include "agent/process/process_info.h"

namespace wirespan::process {

// Which processes a rule means: all fields that are set must match; none set matches nothing. Texts
// are globs (glob.h).
struct ProcessMatch {
  std::string
      executable{};  // "nginx", "/opt/*/bin/java": the last part of the path unless it has a slash
  std::string command_line{};  // arguments joined with single blanks, at most 4 KiB
  std::uint32_t pid = 0;
  std::string cgroup{};        // path
  std::string container_id{};  // a prefix of the id does, as in the runtimes' own commands: "4f3a*"
                               // or "4f3a"
  std::string container_name{};
  std::string systemd_unit{};
  // Of the pod, where the API server told it; a process of none, or of one that is not known yet,
  // does not match.
  std::string pod_namespace{};
  std::string pod_name{};
  std::vector<std::pair<std::string, std::string>> pod_labels{};  // all of them; values are globs
};

bool Matches(const ProcessMatch& match, const ProcessInfo& process);
// The fields that are set, for people: "executable=nginx, cgroup=/system.slice/*".
std::string DescribeMatch(const ProcessMatch& match);

// Which processes are observed. The order: our own process is never, nor a pod that another agent
// observes, nor with `only_own_pod` anything outside of ours; an exclude rule wins over every
// include rule; then wirespan-gateway, unless an include rule names it; without include rules all
// others are observed, with them those that one matches. Rules on ports are the kernel's and not
// here.
struct FilterConfig {
  std::vector<ProcessMatch> include{};
  std::vector<ProcessMatch> exclude{};
  std::uint32_t own_pid = 0;
  bool only_own_pod = false;
  std::optional<PodScope> own_pod{};  // absent: it can't be told, and nothing is in it
  std::vector<PodScope> left_out{};
};

enum class FilterReason : std::uint8_t {
  kDefault,      // observed: no include rules
  kIncludeRule,  // observed
  kOwnAgent,     // the rest: not observed
  kExcludeRule,
  kGateway,
  kNoIncludeRule,  // there are include rules and none matches
  kOtherAgent,     // its pod has an agent of its own
  kOtherPod,
};

struct FilterDecision {
  bool observed = true;
  FilterReason reason = FilterReason::kDefault;
  std::size_t rule = 0;  // index in the list that decided
};

FilterDecision Decide(const FilterConfig& config, const ProcessInfo& process);
// One sentence for `explain`: "excluded by exclude rule 2 (executable=nginx)".
std::string DescribeDecision(const FilterConfig& config, const FilterDecision& decision);

// Arguments joined with single blanks, at most `max_bytes`.
std::string JoinArguments(const std::vector<std::string>& arguments, std::size_t max_bytes = 4096);

}  // namespace wirespan::process
