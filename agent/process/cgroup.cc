#include "agent/process/cgroup.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "agent/process/cgroup_lines.h"

namespace wirespan::process {
namespace {

constexpr std::size_t kMaxLines = 64;
constexpr std::size_t kMaxPathBytes = 4096;

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ConsumeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

struct Container {
  std::string id{};
  ContainerRuntime runtime = ContainerRuntime::kUnknown;
};

struct RuntimePrefix {
  std::string_view prefix;
  ContainerRuntime runtime;
};
constexpr std::array kPrefixes = {
    RuntimePrefix{"docker-", ContainerRuntime::kDocker},
    RuntimePrefix{"cri-containerd-", ContainerRuntime::kContainerd},
    RuntimePrefix{"nerdctl-", ContainerRuntime::kContainerd},
    RuntimePrefix{"crio-", ContainerRuntime::kCrio},
    RuntimePrefix{"libpod-payload-", ContainerRuntime::kPodman},
    RuntimePrefix{"libpod-", ContainerRuntime::kPodman},
};

// What a bare id in this parent belongs to.
ContainerRuntime RuntimeOfParent(std::string_view parent) {
  if (parent == "docker") return ContainerRuntime::kDocker;
  if (parent == "libpod_parent") return ContainerRuntime::kPodman;
  if (parent == "k8s.io" || parent == "default" || parent == "nerdctl")
    return ContainerRuntime::kContainerd;
  return ContainerRuntime::kUnknown;
}

// ECS on Fargate: <32 hex>-<digits>.
bool IsFargateId(std::string_view text) {
  const std::size_t dash = text.find('-');
  return dash == 32 && IsHex(text.substr(0, dash)) && IsDigits(text.substr(dash + 1));
}

std::optional<Container> ContainerOf(std::string_view component, std::string_view parent) {
  // A systemd driver whose runtime got no systemd writes "slice:prefix:id".
  if (const std::size_t colon = component.rfind(':'); colon != std::string_view::npos) {
    const std::string_view id = component.substr(colon + 1);
    if (id.size() != 64 || !IsHex(id)) return std::nullopt;
    std::string_view head = component.substr(0, colon);
    if (const std::size_t before = head.rfind(':'); before != std::string_view::npos)
      head.remove_prefix(before + 1);
    for (const auto& [prefix, runtime] : kPrefixes) {
      if (head == prefix.substr(0, prefix.size() - 1)) return Container{std::string(id), runtime};
    }
    return Container{std::string(id), ContainerRuntime::kUnknown};
  }
  std::string_view name = component;
  if (ConsumePrefix(name, "lxc.payload."))
    return Container{std::string(name), ContainerRuntime::kLxc};
  if (parent == "lxc" && !name.empty()) return Container{std::string(name), ContainerRuntime::kLxc};
  if (parent == "machine.slice" && ConsumePrefix(name, "machine-") && ConsumeSuffix(name, ".scope"))
    return Container{UnescapeUnit(name), ContainerRuntime::kNspawn};
  if (parent == "machine.slice" && ConsumePrefix(name, "systemd-nspawn@") &&
      ConsumeSuffix(name, ".service"))
    return Container{UnescapeUnit(name), ContainerRuntime::kNspawn};

  name = component;
  ConsumeSuffix(name, ".scope");
  for (const auto& [prefix, runtime] : kPrefixes) {
    std::string_view id = name;
    if (ConsumePrefix(id, prefix) && id.size() == 64 && IsHex(id))
      return Container{std::string(id), runtime};
  }
  if (name.size() == 64 && IsHex(name))
    return Container{std::string(name), RuntimeOfParent(parent)};
  if (IsFargateId(name)) return Container{std::string(name), ContainerRuntime::kUnknown};
  return std::nullopt;
}

// "pod<uid>", "kubepods-burstable-pod<uid with _>.slice", below another root's name
// "kubelet-kubepods-...", and "kubepods-...-pod<uid>.slice:cri-containerd:<id>".
std::string PodUidOf(std::string_view component) {
  component = component.substr(0, component.find(':'));
  ConsumeSuffix(component, ".slice");
  const std::size_t at = component.rfind("pod");
  if (at == std::string_view::npos) return {};
  const std::string_view head = component.substr(0, at);
  if (at != 0 && !(head.ends_with('-') && head.find("kubepods") != std::string_view::npos))
    return {};
  std::string uid(component.substr(at + 3));
  std::replace(uid.begin(), uid.end(), '_', '-');
  const bool uuid =
      uid.size() == 36 && uid[8] == '-' && uid[13] == '-' && uid[18] == '-' && uid[23] == '-';
  // A static pod's uid is a hash of its file: 32 hex digits.
  if (!uuid && !(uid.size() == 32 && IsHex(uid))) return {};
  return uid;
}

bool IsManagerOfUser(std::string_view component) {
  return component.starts_with("user@") && component.ends_with(".service");
}

// Of two hierarchies, the one that says more.
int Weight(const Placement& placement) {
  return (placement.container_id.empty() ? 0 : 4) + (placement.systemd_unit.empty() ? 0 : 2) +
         (placement.path.size() > 1 ? 1 : 0);
}

}  // namespace

std::string_view RuntimeName(ContainerRuntime runtime) {
  switch (runtime) {
    case ContainerRuntime::kNone:
      return "none";
    case ContainerRuntime::kDocker:
      return "docker";
    case ContainerRuntime::kContainerd:
      return "containerd";
    case ContainerRuntime::kCrio:
      return "cri-o";
    case ContainerRuntime::kPodman:
      return "podman";
    case ContainerRuntime::kLxc:
      return "lxc";
    case ContainerRuntime::kNspawn:
      return "systemd-nspawn";
    case ContainerRuntime::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string UnescapeUnit(std::string_view text) {
  const auto digit = [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) ? c - '0' : c - 'a' + 10;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' &&
        IsHex(text.substr(i + 2, 2))) {
      out.push_back(static_cast<char>(digit(text[i + 2]) * 16 + digit(text[i + 3])));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Placement ParseCgroupPath(std::string_view path) {
  Placement placement;
  path = path.substr(0, kMaxPathBytes);
  placement.path = path;
  std::string_view parent;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view component = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (component.empty() || component == "..") continue;
    if (std::string uid = PodUidOf(component); !uid.empty()) {
      placement.pod_uid = std::move(uid);
      placement.pod_container_id.clear();
    }
    if (auto container = ContainerOf(component, parent)) {
      placement.container_id = std::move(container->id);
      placement.runtime = container->runtime;
      if (placement.pod_container_id.empty() || placement.pod_uid.empty())
        placement.pod_container_id = placement.container_id;
      // Podman may run inside the unit that started it (cgroups=split): that unit is the
      // container's own.
      if (placement.runtime != ContainerRuntime::kPodman) {
        placement.systemd_unit.clear();
        placement.user_unit = false;
      }
    } else if (IsManagerOfUser(component)) {
      placement.systemd_unit.clear();
      placement.user_unit = true;
    } else if (component.ends_with(".service") && component.size() > 8) {
      placement.systemd_unit = UnescapeUnit(component);
    }
    parent = component;
  }
  if (placement.systemd_unit.empty()) placement.user_unit = false;
  return placement;
}

Placement ParseCgroup(std::string_view text) {
  Placement best;
  bool best_unified = false;
  ForEachCgroupLine(text, kMaxLines, [&](const CgroupLine& line) {
    Placement candidate = ParseCgroupPath(line.path);
    const bool unified = line.controllers.empty();
    // Equal weight: v2's path, else the first of the file. Units are known by systemd's own
    // hierarchy alone, so an application that made a v1 group of its own loses nothing.
    const bool better = Weight(candidate) > Weight(best) ||
                        (Weight(candidate) == Weight(best) && unified && !best_unified);
    if (best.path.empty() || better) {
      if (candidate.systemd_unit.empty() && candidate.container_id.empty()) {
        candidate.systemd_unit = best.systemd_unit;
        candidate.user_unit = best.user_unit;
      }
      best = std::move(candidate);
      best_unified = unified;
    }
  });
  return best;
}

}  // namespace wirespan::process
