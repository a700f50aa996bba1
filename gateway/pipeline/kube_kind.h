#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wirespan::gateway {

// Kinds of objects whose labels and annotations telemetry can have, or that tell of another one.
enum class KubeKind : std::uint8_t {
  kPod,
  kNamespace,
  kNode,
  kDeployment,
  kReplicaSet,
  kStatefulSet,
  kDaemonSet,
  kJob,
};

struct KubeKindNames {
  std::string_view word;      // in `from` and in attributes: k8s.<word>.labels.<key>
  std::string_view group;     // of the API: "/api/v1", "/apis/apps/v1"
  std::string_view resource;  // "replicasets"
  bool in_namespace;
};

inline constexpr std::array<KubeKindNames, 8> kKubeKinds = {{
    {"pod", "/api/v1", "pods", true},
    {"namespace", "/api/v1", "namespaces", false},
    {"node", "/api/v1", "nodes", false},
    {"deployment", "/apis/apps/v1", "deployments", true},
    {"replicaset", "/apis/apps/v1", "replicasets", true},
    {"statefulset", "/apis/apps/v1", "statefulsets", true},
    {"daemonset", "/apis/apps/v1", "daemonsets", true},
    {"job", "/apis/batch/v1", "jobs", true},
}};

inline constexpr const KubeKindNames& NamesOf(KubeKind kind) {
  return kKubeKinds[static_cast<std::size_t>(kind)];
}

}  // namespace wirespan::gateway
