#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/kube/pod_directory.h"
#include "gateway/pipeline/attribute_list.h"

// Which pod a resource's telemetry comes from.
namespace wirespan::gateway {

struct PodSource {
  bool connection = false;  // the address that the request came from
  std::string name{};       // otherwise: an attribute of the resource
};

// All of the sources must be there, and agree.
struct PodAssociation {
  std::vector<PodSource> sources{};
};

// A single source that finds pods, not only confirms one.
bool FindsPods(const PodSource& source);

enum class AssociationOutcome : std::uint8_t {
  kFound,
  kUnnamed,  // nothing to go by
  kUnknown,  // there is no such pod, or several
};

struct AssociatedPod {
  kube::PodDirectory::PodPtr pod{};
  AssociationOutcome outcome = AssociationOutcome::kUnnamed;
  bool by_connection = false;  // the association that counted has this source
};

// The first association whose sources are all there decides, found or not: what the next ones could
// find is another pod. `connection` is empty where the request's origin says nothing of the
// resource. Without `directory` no pod is looked for. No associations: the Collector's own, which
// are addresses in k8s.pod.ip, ip, of the connection, and in host.name.
AssociatedPod FindPod(const std::vector<PodAssociation>& associations,
                      const kube::PodDirectory* directory, AttributeList& resource,
                      std::string_view connection);

// A text, or empty.
std::string_view TextOf(AttributeList& attributes, std::string_view key);

}  // namespace wirespan::gateway
