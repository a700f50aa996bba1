#include "gateway/pipeline/pod_association.h"

#include <algorithm>

#include "gateway/pipeline/any_value.h"
#include "gateway/pipeline/pod_attributes.h"

namespace wirespan::gateway {

namespace {

using PodPtr = kube::PodDirectory::PodPtr;

bool IsAddressKey(std::string_view name) {
  return name == "k8s.pod.ip" || name == "ip" || name == "host.name";
}

const std::vector<PodAssociation>& Defaults() {
  static const std::vector<PodAssociation> kDefaults = {
      {.sources = {{.name = "k8s.pod.ip"}}},
      {.sources = {{.name = "ip"}}},
      {.sources = {{.connection = true}}},
      {.sources = {{.name = "host.name"}}},
  };
  return kDefaults;
}

struct Known {
  const PodSource* source = nullptr;
  std::string_view value{};
};

PodPtr Lookup(const kube::PodDirectory& directory, const Known& known,
              std::string_view name_space) {
  const std::string& name = known.source->name;
  if (known.source->connection || IsAddressKey(name))
    return directory.FindByAddress(known.value, 0);
  if (name == "k8s.pod.uid") return directory.FindByUid(known.value);
  if (name == "container.id") return directory.FindByContainer(known.value);
  if (name == "k8s.pod.name") return directory.FindByName(known.value, name_space);
  return nullptr;
}

// Whether a pod found by another source is this one too.
bool Confirms(const kube::Pod& pod, const Known& known) {
  const std::string& name = known.source->name;
  if (known.source->connection || IsAddressKey(name)) {
    const auto address = kube::ParseAddress(known.value);
    return address && std::any_of(pod.addresses.begin(), pod.addresses.end(), [&](const auto& own) {
             return kube::ParseAddress(own) == address;
           });
  }
  if (name == "container.id") return ContainerOf(pod, "", known.value) != nullptr;
  return PodAttribute(pod, nullptr, name) == known.value;
}

}  // namespace

bool FindsPods(const PodSource& source) {
  return source.connection || IsAddressKey(source.name) || source.name == "k8s.pod.uid" ||
         source.name == "container.id" || source.name == "k8s.pod.name";
}

std::string_view TextOf(AttributeList& attributes, std::string_view key) {
  const AttributeList::Attribute* found = attributes.Find(key);
  if (found == nullptr) return {};
  const AnyValue value = ParseAnyValue(found->value);
  return value.kind == AnyValue::Kind::kString ? value.bytes : std::string_view();
}

AssociatedPod FindPod(const std::vector<PodAssociation>& associations,
                      const kube::PodDirectory* directory, AttributeList& resource,
                      std::string_view connection) {
  std::vector<Known> known;
  for (const PodAssociation& association : associations.empty() ? Defaults() : associations) {
    known.clear();
    AssociatedPod result;
    std::string_view name_space;
    for (const PodSource& source : association.sources) {
      std::string_view value = source.connection ? connection : TextOf(resource, source.name);
      // A host's name is mostly no address.
      if (source.name == "host.name" && !kube::ParseAddress(value)) value = {};
      if (value.empty()) break;
      known.push_back({&source, value});
      result.by_connection |= source.connection;
      if (source.name == "k8s.namespace.name") name_space = value;
    }
    if (known.size() < association.sources.size()) continue;
    result.outcome = AssociationOutcome::kUnknown;
    if (directory == nullptr) return result;
    const auto finder = std::find_if(known.begin(), known.end(),
                                     [](const Known& one) { return FindsPods(*one.source); });
    if (finder == known.end()) return result;
    result.pod = Lookup(*directory, *finder, name_space);
    if (result.pod == nullptr) return result;
    for (const Known& one : known) {
      if (&one != &*finder && !Confirms(*result.pod, one)) result.pod = nullptr;
      if (result.pod == nullptr) return result;
    }
    result.outcome = AssociationOutcome::kFound;
    return result;
  }
  return {};
}

}  // namespace wirespan::gateway
