#include "common/kube/metadata_directory.h"

#include <utility>

namespace wirespan::kube {

MetadataDirectory::MetadataDirectory(MetadataDirectoryOptions options, const Clock& clock,
                                     telemetry::Registry& registry)
    : WatchedSet({.max_records = options.max_objects, .grace = options.grace},
                 registry.gauge("wirespan_kube_objects",
                                "Objects beside pods that are known, those deleted a short while "
                                "ago included",
                                {{"resource", options.resource}}),
                 {{"resource", options.resource}}, clock, registry),
      options_(std::move(options)) {}

std::optional<Metadata> MetadataDirectory::Read(const Object& object) const {
  return MetadataOf(object, options_.objects);
}

MetadataDirectory::RecordPtr MetadataDirectory::FindByUid(std::string_view uid) const {
  const std::shared_lock lock(mutex_);
  return Get(uid);
}

MetadataDirectory::RecordPtr MetadataDirectory::FindByName(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : Get(found->second);
}

void MetadataDirectory::Index(const RecordPtr& object) { names_[object->name] = object->uid; }

void MetadataDirectory::Unindex(const Metadata& object) {
  const auto found = names_.find(object.name);
  if (found != names_.end() && found->second == object.uid) names_.erase(found);
}

}  // namespace wirespan::kube
